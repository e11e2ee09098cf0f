"""TURN servers besides coturn, and a client."""
