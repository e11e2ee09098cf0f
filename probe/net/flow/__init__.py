"""What bounds a connection: its part of the event loop, and bytes without content."""
