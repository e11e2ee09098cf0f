"""Days of a monitor's life in seconds: real pipeline, outbox, sender and SQLite, virtual time."""
