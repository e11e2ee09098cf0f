"""A real daemon goes through one incident while its system calls fail."""
