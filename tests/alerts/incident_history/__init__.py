"""What is kept of incidents follows what happens."""
