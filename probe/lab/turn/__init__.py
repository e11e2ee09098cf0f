"""A TURN server with failure knobs."""
