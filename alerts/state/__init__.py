"""The state of alerts: conditions, the state machine, what is kept."""
