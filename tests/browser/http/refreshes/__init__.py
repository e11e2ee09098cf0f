"""Pages that lead their users elsewhere: ``Refresh`` and ``<meta http-equiv=refresh>``."""
