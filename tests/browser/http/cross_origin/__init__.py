"""What a page of one origin gets of a server of another: rows, as Chromium has them."""
