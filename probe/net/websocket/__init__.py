"""WebSocket (RFC 6455) as browsers speak it, read with budgets."""
