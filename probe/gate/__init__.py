"""The release gate: a window of results and objectives in, go or roll back out."""
