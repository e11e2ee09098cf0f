"""Regular expressions of matchers: RE2's, as Alertmanager's are.

RE2 takes time linear in the text, whatever the expression is; a backtracking engine takes years
for ``(a+)+`` in a label of 60 letters, and nothing else runs meanwhile. Lookaround and back
references, which only a backtracking engine has, are matched by Python's ``re``.
"""

import re
from functools import lru_cache
from typing import Protocol


class Expression(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: str, /) -> object | None: ...


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Expression:
    """Compile an expression. Raises ValueError for what is none."""
    try:
        return _of_re2(pattern)
    except ValueError:
        pass
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from None


def is_full_match(pattern: str, text: str) -> bool:
    """Whether an expression matches the whole of a text. Raises ValueError as :func:`compiled`."""
    whole = text.encode("utf-8", "replace").decode()
    return compiled(pattern).fullmatch(whole) is not None


def _of_re2(pattern: str) -> Expression:
    """Raises ValueError for what RE2 does not take, or where it is not installed."""
    try:
        import re2  # type: ignore[import-untyped]  # most matchers need no expression
    except ImportError:
        raise ValueError("google-re2 is not installed") from None
    options = re2.Options()
    options.log_errors = False
    try:
        found: Expression = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None
    return found
