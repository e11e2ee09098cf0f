"""What several probes decide together: the quorum on an alert, and who notifies; pure."""
