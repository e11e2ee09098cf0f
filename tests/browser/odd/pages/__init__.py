"""Backends that let some pages have sessions and others not, and all kinds that open them."""
