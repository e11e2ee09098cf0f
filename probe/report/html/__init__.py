"""The status page and its parts, as HTML."""
