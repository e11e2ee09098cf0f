"""A synthetic monitor for WebRTC applications."""
