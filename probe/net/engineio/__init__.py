"""Engine.IO 4, and the packets of Socket.IO that it carries."""
