"""HTTP/1.1, HTTP/2, WebSocket and Engine.IO over byte streams that are read in small slices."""
