"""The doctor, who says why a network does not learn."""
