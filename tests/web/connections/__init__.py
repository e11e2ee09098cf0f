"""What connections may do to one another."""
