"""Calls on odd paths, as Chromium and ``call`` have them."""
