"""The web configuration file of Prometheus: TLS, users, headers, rate."""
