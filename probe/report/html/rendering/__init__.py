"""What the pages are rendered with: Jinja2 and markdown-it, loaded with the first page."""
