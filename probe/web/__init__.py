"""The daemon's own pages: metrics, health, status. Gets rows and texts, not engines."""
