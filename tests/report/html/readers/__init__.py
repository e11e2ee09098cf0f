"""The pages for readers with settings of their own."""
