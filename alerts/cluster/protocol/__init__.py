"""What members ask and answer each other."""
