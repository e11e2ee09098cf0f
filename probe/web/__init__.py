"""HTTP server: status page, metrics, health endpoints, APIs. It renders data, and runs no
checks."""
