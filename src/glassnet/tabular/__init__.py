"""Tables: what their columns become, and what is learned from them."""
