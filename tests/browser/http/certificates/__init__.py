"""Certificates and chains of servers: rows, as Chromium has them."""
