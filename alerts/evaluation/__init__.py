"""What results mean: verdicts, the state of checks, our own network."""
