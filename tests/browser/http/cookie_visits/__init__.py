"""Cookies that one host of a visit sets and another one gets: rows, as Chromium has them."""
