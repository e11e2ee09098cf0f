"""Polls whose answers are odd as HTTP, as socket.io-client in Chromium has them."""
