"""Services that notifications are sent to."""
