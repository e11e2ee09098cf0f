"""The same signals to OpenTelemetry, by the official SDK; nothing of it is imported without
OTEL_EXPORTER_OTLP_ENDPOINT."""
