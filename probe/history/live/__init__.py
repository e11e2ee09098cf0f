"""The last day of every check in memory, kept up with what is written."""
