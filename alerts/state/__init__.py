"""What is known of each alert between two results."""
