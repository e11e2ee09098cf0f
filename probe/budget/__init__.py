"""What hosting plans give, and what the checks use of them."""
