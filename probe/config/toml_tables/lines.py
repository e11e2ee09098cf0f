"""On which line of a TOML file something stands that is wrong: ``tomllib`` keeps no lines.

This looks for headers and keys as people write them; what it does not find has no line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from probe.config.toml_tables.limits import MAX_BYTES
from probe.core.environment import ConfigProblem
from probe.core.tables.threshold_config import PROMETHEUS_NAMES
from probe.untrusted.regular_file import read_regular

# A table's name, its number among those of its name (0 for the only one), and a key within it.
Place = tuple[str, int, str]

_PLACE = re.compile(
    r": (?:\[\[(?P<list>[\w-]+)\]\] entry (?P<number>\d+)|\[(?P<table>[\w.-]+)\])"
    r'(?:, key "(?P<key>[^"]*)")?'
)
_MULTILINE = re.compile(r"\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}.*?'{3}", re.DOTALL)
_HEADER = re.compile(r"\s*(\[{1,2})([^\[\]]+)\]")
_KEY = re.compile(r"\s*([^=#\[\]{}]+?)\s*=")
_UNQUOTED = re.compile(r"[\"'\s]")


def with_lines(problems: Iterable[ConfigProblem], path: Path) -> list[ConfigProblem]:
    """The problems, each with the line of the file that it is about, as far as that is found."""
    found = list(problems)
    if not any(_place_of(each, path) for each in found):
        return found
    try:
        lines = _lines_of(read_regular(path, MAX_BYTES))
    except (OSError, UnicodeDecodeError):
        return found
    return [replace(each, line=_line(_place_of(each, path), lines)) for each in found]


def _place_of(problem: ConfigProblem, path: Path) -> Place | None:
    start = str(path)
    found = _PLACE.match(problem.place, len(start)) if problem.place.startswith(start) else None
    if found is None:
        return None
    name, number = found["list"] or found["table"], int(found["number"] or 0)
    return name, number, _plain(found["key"] or "")


def _line(place: Place | None, lines: Mapping[Place, int]) -> int:
    """That of the key, else of what holds it; 0 for none."""
    if place is None:
        return 0
    name, number, key = place
    while key and (name, number, key) not in lines:
        key = key.rpartition(".")[0]
    return lines.get((name, number, key), 0)


def _lines_of(text: str) -> dict[Place, int]:
    """The line of each header and each key, from 1."""
    # What a text of several lines holds is neither.
    bare = _MULTILINE.sub(lambda each: "\n" * each[0].count("\n"), text)
    lines: dict[Place, int] = {}
    counts: Counter[str] = Counter()
    table, within = ("", 0), ""
    for line, content in enumerate(bare.split("\n"), 1):
        if header := _HEADER.match(content):
            name = _plain(header[2])
            # ``http`` of ``http.thresholds``.
            root = next((each for each in counts if name.startswith(f"{each}.")), name)
            within = name.removeprefix(root).removeprefix(".")
            if not within:
                counts[name] += len(header[1]) - 1
            table = (root, counts[root])
            lines.setdefault((*table, within), line)
        elif key := _KEY.match(content):
            parts = f"{within}.{_plain(key[1])}".removeprefix(".").split(".")
            parts[-1] = PROMETHEUS_NAMES.get(parts[-1], parts[-1])
            lines.setdefault((*table, ".".join(parts)), line)
    return lines


def _plain(name: str) -> str:
    return _UNQUOTED.sub("", name)
