"""The daemon watches itself: its tasks, its starts, its clock, its resources."""
