"""Whether a TOML text is of a shape that can be parsed in little time and memory.

``tomllib`` takes a recursion for each bracket and copies a dotted key for each of its parts, so
that 100 kB can cost gigabytes. This looks at the text once, from left to right.
"""

import re

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


def problem_of(text: str) -> str:
    """Why a text is not parsed, for people; empty if it can be."""
    if len(text) > MAX_BYTES:
        return f"is larger than {MAX_BYTES} characters"
    depth = parts = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "other" and token.group() in "\"'":
            # Looking for its end again and again would take time by the square.
            return "has a string that is not closed"
        if kind == "open":
            depth, parts = depth + 1, 0
            if depth > MAX_DEPTH:
                return f"has more than {MAX_DEPTH} nested brackets"
        elif kind == "close":
            depth, parts = max(0, depth - 1), 0
        elif kind == "end":
            parts = 0
        elif kind == "part":
            parts += 1
            if parts > MAX_KEY_PARTS:
                return f"has a key of more than {MAX_KEY_PARTS} parts"
        elif kind == "digits" and len(token.group()) > MAX_DIGITS:
            return f"has a number of more than {MAX_DIGITS} digits"
    return ""
