"""A load as a table, JSON, JUnit XML and HTML."""
