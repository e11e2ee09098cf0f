"""What a run found, for people and for programs: table, JSON, JUnit, GitHub."""
