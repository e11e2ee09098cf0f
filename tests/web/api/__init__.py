"""The API below /api/v1, badges and feeds."""
