"""Regular expressions of modules: RE2's, as blackbox_exporter has them.

RE2 takes time linear in the text, whatever the expression is. A backtracking engine takes hours for
``.*error`` in a page of a megabyte without line breaks, and nothing else runs meanwhile.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

REMEDY = "write it in RE2's syntax (https://github.com/google/re2/wiki/Syntax)"


class FoundText(Protocol):
    """What an expression has found: its groups by number and name."""

    def __getitem__(self, group: int | str) -> str | None: ...


@dataclass(frozen=True)
class RegularExpression:
    """A compiled expression; ``pattern`` is as it was written."""

    pattern: str
    _compiled: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, pattern: str) -> "RegularExpression":
        """Compile it. Raises ValueError that says what is wrong."""
        try:
            import re2  # type: ignore[import-untyped]  # half a megabyte that only modules need
        except ImportError:
            raise ValueError(
                "regular expressions need google-re2: pip install google-re2"
            ) from None
        options = re2.Options()
        options.log_errors = False
        try:
            return cls(pattern, re2.compile(pattern, options))
        except (re2.error, UnicodeEncodeError) as error:
            reason = error.args[0]
            message = (
                reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            )
            raise ValueError(
                f"the regular expression can't be compiled: {message}; {REMEDY}"
            ) from None

    def search(self, text: str) -> FoundText | None:
        """The first match anywhere in a text; ``$`` is the end of the text, without ``(?m)``."""
        found: FoundText | None = self._compiled.search(_whole(text))
        return found


def _whole(text: str) -> str:
    """Without halves of characters: bytes of a header that are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
