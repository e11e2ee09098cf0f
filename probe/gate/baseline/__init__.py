"""A window beside an earlier one: its series, the file they are kept in, and the tests."""
