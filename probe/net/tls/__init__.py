"""TLS as browsers do it: contexts, what a handshake showed, verdicts, other ways to a root."""
