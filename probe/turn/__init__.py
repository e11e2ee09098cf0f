"""TURN (RFC 8656): clients, and what is measured with them."""
