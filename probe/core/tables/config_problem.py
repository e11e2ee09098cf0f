"""One mistake in the configuration, and the error that carries all of them."""

import re
from collections.abc import Iterable

from msgspec import Struct

from probe.untrusted.text import one_line

_LONGEST = 10_000
_NUMBER = re.compile(r"([0-9]{1,9})")


class ConfigProblem(Struct, frozen=True):
    """One thing wrong in the configuration: where, what, and what would be right; ``line`` is that
    of the file which the place names, 0 where it is not known."""

    place: str
    problem: str
    line: int = 0

    def __str__(self) -> str:
        mark = "" if self.problem.startswith("is not set") else ":"
        at = f" (at line {self.line})" if self.line else ""
        # A name may hold anything: a line end, or what moves a cursor.
        return one_line(f"{self.place}{mark} {self.problem}{at}", _LONGEST)


class ConfigurationError(Exception):
    """The configuration is invalid; carries all errors, not only the first."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(sorted(set(problems), key=_in_order))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def _in_order(problem: ConfigProblem) -> list[tuple[int, str]]:
    """The second entry before the tenth."""
    parts = _NUMBER.split(f"{problem.place}\n{problem.problem}")
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in parts]
