"""Addresses: what they are, which ones may be contacted, and how a peer's is written."""
