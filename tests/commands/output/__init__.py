"""What commands print, and where it can't be printed."""
