"""Protocols that a server chooses by ALPN, and what it speaks then: rows, as Chromium has them."""
