"""WebRTC calls: endpoints, set-up, echo, recovery."""
