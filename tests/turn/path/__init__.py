"""Paths to and through a TURN server that are odd: what they lose, alter and end."""
