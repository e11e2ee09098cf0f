"""The long-running side: keeps checks running, and shows how they stand."""
