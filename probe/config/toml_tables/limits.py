"""Whether a TOML text is of a shape that can be parsed in little time and memory.

``tomllib`` takes a recursion for each bracket and copies a dotted key for each of its parts, so
that 100 kB can cost gigabytes. This looks at the text once, from left to right.
"""

import re
from dataclasses import dataclass

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_KEY_PARTS = 32
MAX_DIGITS = 400

_TOKEN = re.compile(
    r"""
    (?P<string> \"{3}(?:[^\\]|\\.)*?\"{3} | '{3}.*?'{3}
              | "(?:[^"\\\n]|\\.)*+" | '[^'\n]*+' )
  | (?P<comment> \#[^\n]*)
  | (?P<open> [\[{])
  | (?P<close> [\]}])
  | (?P<part> \.)
  | (?P<end> [=,\n])
  | (?P<digits> [0-9_]{50,})
  | (?P<other> [^"'\#\[\]{}.=,\n0-9]++ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(slots=True)
class _Shape:
    """How deep a text is nested, and how many parts its present key has, so far."""

    depth: int = 0
    parts: int = 0

    def problem(self, kind: str | None, text: str) -> str:
        """What is wrong from this token on; empty if nothing is."""
        if kind == "open":
            self.depth, self.parts = self.depth + 1, 0
        elif kind == "close":
            self.depth, self.parts = max(0, self.depth - 1), 0
        elif kind == "end":
            self.parts = 0
        elif kind == "part":
            self.parts += 1
        if kind == "digits" and len(text) > MAX_DIGITS:
            return f"has a number of more than {MAX_DIGITS} digits"
        if kind == "other" and text in "\"'":
            # Looking for its end again and again would take time by the square.
            return "has a string that is not closed"
        if self.depth > MAX_DEPTH:
            return f"has more than {MAX_DEPTH} nested brackets"
        return f"has a key of more than {MAX_KEY_PARTS} parts" if self.parts > MAX_KEY_PARTS else ""


def problem_of(text: str) -> str:
    """Why a text is not parsed, for people; empty if it can be."""
    if len(text) > MAX_BYTES:
        return f"is larger than {MAX_BYTES} characters"
    shape = _Shape()
    for each in _TOKEN.finditer(text):
        if problem := shape.problem(each.lastgroup, each.group()):
            line = text.count("\n", 0, each.start()) + 1
            return f"{problem} (at line {line})"
    return ""
