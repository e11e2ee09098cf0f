"""Real parts that tests talk to: found, or the test is skipped and the run says how to get them.

With `CI=true` a missing part is a failure, because a green run must not hide that it looked at
nothing.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

REMEDY = "make parts"
_MISSING = re.compile(r"real part missing: (?P<part>[\w-]+)")


def missing(part: str, why: str, remedy: str = REMEDY) -> NoReturn:
    """Skips the running test for want of `part`; with `CI=true` fails it."""
    message = f"real part missing: {part} ({why}); get it with: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, *, part: str) -> str:
    """The path of a program, which the system directories may hold without being on PATH."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    return found or missing(part, f"no program {name}")


def optional(path: Path, *, part: str, remedy: str = REMEDY) -> Path:
    """The path of a part that a run can do without, with `CI=true` too: not every machine has
    what it is built with."""
    if not path.exists():
        pytest.skip(f"real part missing: {part} (no {path.name}); get it with: {remedy}")
    return path


def count_missing(outcomes: Iterable[str]) -> Counter[str]:
    """How many tests each part was missing for, from the texts of their skips and failures."""
    matches = (_MISSING.search(text) for text in outcomes)
    return Counter(match["part"] for match in matches if match)


def summary(counts: Counter[str]) -> list[str]:
    """What the end of a run says about missing parts: nothing when all were there."""
    lines = [f"{part}: {count} test(s) did not run" for part, count in sorted(counts.items())]
    return [*lines, f"to run them: {REMEDY}, and start the tests again"] if lines else []
