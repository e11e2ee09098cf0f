"""The TURN servers to measure: where they come from, how often, at what cost."""
