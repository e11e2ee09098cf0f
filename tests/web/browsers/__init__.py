"""Requests that a page of somebody else has a browser send."""
