"""Core value types, the runner of a check, and what every kind builds on."""
