"""Courses of Socket.IO sessions that are odd in time, as socket.io-client in Chromium has them."""
