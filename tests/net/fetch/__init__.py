"""What a page's script asks, and the cookies that it has."""
