"""From alerts to messages: routes, grouping, deduplication, sending."""
