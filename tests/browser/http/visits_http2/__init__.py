"""Visits of several requests by HTTP/2, in which a browser goes on with one connection."""
