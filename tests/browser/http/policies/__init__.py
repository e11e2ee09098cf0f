"""Pages that are served and forbid their own calls: types, TLS, Permissions-Policy, CSP."""
