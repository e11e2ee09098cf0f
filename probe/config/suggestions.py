"""Suggestions for misspelt names."""

import difflib


def suggest(word: str, known: list[str]) -> str:
    """The known name that is closest to ``word``, or all of them, to end an error message with."""
    close = difflib.get_close_matches(word, known, n=1)
    return f': did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"
