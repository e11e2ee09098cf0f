"""TURN servers beside coturn, and a client."""
