"""The report of a release gate: what was measured over a window, and go or roll back."""
