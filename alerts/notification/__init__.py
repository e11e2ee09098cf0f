"""From firing alerts to messages: which incident, which receiver, when, in which words."""
