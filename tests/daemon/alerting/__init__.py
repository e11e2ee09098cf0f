"""From a fault to the notification, through real daemons."""
