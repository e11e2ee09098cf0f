"""What browsers make of responses beside their content: CORS, HTTPS promises, timing."""
