"""Quotas of hosting plans, and what the checks use of them."""
