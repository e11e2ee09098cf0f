"""A window compared with an earlier one: its series, the file they are kept in, and the tests."""
