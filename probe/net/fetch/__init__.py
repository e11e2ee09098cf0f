"""What browsers make of responses besides their content: CORS, HTTPS promises, timing."""
