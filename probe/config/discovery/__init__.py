"""Targets of scheduled checks from service discovery: file_sd and HTTP SD."""
