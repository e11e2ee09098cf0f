"""The daemon's web server: status page, metrics, silences, and the API for other probes."""
