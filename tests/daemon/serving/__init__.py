"""What a real daemon serves: pages, API, metrics."""
