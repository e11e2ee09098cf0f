"""Reports for CI systems: JUnit and GitHub."""
