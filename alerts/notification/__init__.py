"""From firing alerts to messages: which incident, which receiver, when, with which text."""
