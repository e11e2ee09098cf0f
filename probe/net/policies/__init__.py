"""What a page is kept from by its own headers: its type, Permissions-Policy, CSP."""
