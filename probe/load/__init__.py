"""Load on the application by synthetic users, within a stated budget."""
