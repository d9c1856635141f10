"""From-scratch networks as different people write them, and mistakes to plant in them."""
