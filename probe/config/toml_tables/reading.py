"""Reads ``probe.toml`` into raw tables."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from probe.config.toml_tables.limits import MAX_BYTES, problem_of
from probe.core.environment import ConfigProblem
from probe.core.kind import Kind
from probe.untrusted.regular_file import read_regular, reason
from probe.untrusted.text import suggest

# A key that ends so names the variable that holds the value, so that the file itself
# carries no secret: password_from = "OTHER_TURN_PASSWORD".
FROM_VARIABLE = "_from"

# Tables of alerting, which configure no checks.
ALERTING_TABLES = ("maintenance", "route", "discovery")

GATE_TABLE = "gate"
# Tables of entries that configure no checks.
OTHER_TABLES = (*ALERTING_TABLES, GATE_TABLE)

# Tables of the exporter: one table, and one that holds a table for each module.
EXPORTER_TABLES = ("exporter", "modules")

# Words of other programs for tables that are called differently here.
_OTHER_WORDS = {
    **dict.fromkeys(("https", "web", "website", "site", "page", "url", "tls", "ssl"), "http"),
    **dict.fromkeys(("socketio", "socket.io", "websocket", "ws"), "signaling"),
    **dict.fromkeys(("webrtc", "ice"), "call"),
    **dict.fromkeys(("postgresql", "database", "neon"), "postgres"),
    **dict.fromkeys(("coturn", "relay"), "turn"),
    **dict.fromkeys(("rdap", "whois"), "domain"),
}
_CHECKS = "write each check as a table of its kind, such as [[http]]"
_NOTIFIERS = "notifiers are set by variables, such as SLACK_WEBHOOK, and chosen by [[route]]"
_NO_DEFAULTS = "write its keys in each [[KIND]]"
# Tables that other programs have, and what does the same here.
_ELSEWHERE = {
    **dict.fromkeys(
        ("check", "checks", "probe", "probes", "endpoint", "endpoints", "target", "targets"),
        _CHECKS,
    ),
    **dict.fromkeys(("monitor", "monitors", "service", "services"), _CHECKS),
    **dict.fromkeys(("slack", "pagerduty", "webhook", "alertmanager", "notifiers"), _NOTIFIERS),
    **dict.fromkeys(("notifier", "receiver", "receivers", "alerting", "alerts"), _NOTIFIERS),
    **dict.fromkeys(("global", "settings", "defaults", "default"), _NO_DEFAULTS),
    **dict.fromkeys(
        ("silence", "silences", "window", "windows"),
        "write [[maintenance]] for a window, or run `probe alerts silence add`",
    ),
    **dict.fromkeys(("ping", "icmp", "tcp", "dns"), "no check does this; modules of /probe do"),
}
_DECLARED = re.compile(r"\(('[^()]*',?)\)(?= twice)")
_NAME = re.compile(r"'([^']*)'")

Kinds = Sequence[Kind[Any, Any]]
RawTables = Mapping[str, Sequence[Mapping[str, Any]]]


def read_tables(
    path: Path, kinds: Kinds, *, required: bool
) -> tuple[RawTables, list[ConfigProblem]]:
    """The raw tables of ``probe.toml``, by name: kinds of checks, routes and maintenance windows.

    Also returns the errors found. A missing file is an error only if it is ``required``.
    """
    try:
        text = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        missing = ConfigProblem(f"PROBE_CONFIG={path}", "there is no such file")
        return {}, [missing] if required else []
    except (OSError, UnicodeDecodeError) as error:
        place = f"PROBE_CONFIG={path}" if required else str(path)
        return {}, [ConfigProblem(place, f"can't be read: {reason(error)}")]
    document, problem = _parsed(text)
    if problem:
        return {}, [ConfigProblem(str(path), problem)]
    names = [*(kind.name for kind in kinds), *OTHER_TABLES, *EXPORTER_TABLES]
    tables = _exporter_as_lists(document)
    problems = list(_shape_problems(path, tables, names, _keys_of(kinds)))
    good = {name: tables[name] for name in names if name in tables and _are_tables(tables[name])}
    return good, problems


def _parsed(text: str) -> tuple[Mapping[str, Any], str]:
    """The document, and what is wrong with the text; empty if nothing is."""
    import tomllib

    if problem := problem_of(text):
        return {}, problem
    try:
        return tomllib.loads(text), ""
    except tomllib.TOMLDecodeError as error:
        from probe.config.toml_tables.remedies import remedy

        return {}, f"is not valid TOML: {_plain(str(error))}{remedy(str(error), text)}"
    except (ValueError, RecursionError, OverflowError) as error:
        # tomllib leaves some values to what they are made with: dates, offsets, numbers.
        return {}, f"holds a value that can't be read: {error}"


def _plain(message: str) -> str:
    """tomllib's message with the table's name as the file has it: it shows a tuple."""
    return _DECLARED.sub(lambda found: f"[{'.'.join(_NAME.findall(found[1]))}]", message)


def variables_named_in(tables: RawTables) -> set[str]:
    """The variables that the file points to."""
    return {name for entries in tables.values() for name in _named_in(list(entries))}


def _named_in(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named_in(each)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key.endswith(FROM_VARIABLE) and isinstance(each, str):
                yield each
            else:
                yield from _named_in(each)


def _exporter_as_lists(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """``[exporter]`` and ``[modules.NAME]`` in the form that all other tables have."""
    found = dict(document)
    if isinstance(exporter := found.get("exporter"), dict):
        found["exporter"] = [exporter]
    modules = found.get("modules")
    if isinstance(modules, dict) and all(isinstance(each, dict) for each in modules.values()):
        found["modules"] = [{**each, "name": name} for name, each in modules.items()]
    return found


def _keys_of(kinds: Kinds) -> set[str]:
    """What stands within the tables of checks."""
    return {name for kind in kinds for name in kind.table.model_fields}


def _shape_problems(
    path: Path, document: Mapping[str, Any], kinds: list[str], keys: set[str]
) -> Iterable[ConfigProblem]:
    for key, value in document.items():
        if key not in kinds and not isinstance(value, dict | list):
            problem = f"is in no table: write it below a [[KIND]]{suggest(key, kinds, '')}"
            yield ConfigProblem(f'{path}: "{key}"', problem)
        elif key not in kinds and key in keys and key not in _ELSEWHERE:
            problem = f"belongs to a check: write [KIND.{key}] below its [[KIND]]"
            yield ConfigProblem(f'{path}: "{key}"', problem)
        elif key not in kinds:
            yield ConfigProblem(f'{path}: "{key}"', f"no such table{_meant(key, kinds)}")
        elif not _are_tables(value) and key in EXPORTER_TABLES:
            written = "[exporter]" if key == "exporter" else "[modules.NAME] for each module"
            yield ConfigProblem(f'{path}: "{key}"', f"write it as a table {written}")
        elif not _are_tables(value):
            what = "entry" if key in OTHER_TABLES else "check"
            yield ConfigProblem(f'{path}: "{key}"', f"write each {what} as a table [[{key}]]")


def _meant(key: str, known: list[str]) -> str:
    """What to write instead of a table that there is not."""
    word = key.strip().casefold()
    if elsewhere := _ELSEWHERE.get(word):
        return f": {elsewhere}"
    if (ours := _OTHER_WORDS.get(word)) in known:
        return f': did you mean "{ours}"?'
    return suggest(key, known)


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)
