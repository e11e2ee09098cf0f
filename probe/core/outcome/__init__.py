"""What a run came to: whose fault its end is, what disturbed it, and its texts made safe."""
