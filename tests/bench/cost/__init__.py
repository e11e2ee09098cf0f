"""What the daemon costs with many targets, and where."""
