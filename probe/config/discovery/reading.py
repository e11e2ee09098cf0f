"""Targets from service discovery: Prometheus' file_sd format, and HTTP SD.

https://prometheus.io/docs/prometheus/latest/http_sd/ and …/configuration/#file_sd_config. A source
that can't be read keeps what it gave before, and is reported.
"""

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from probe.config.discovery.target_groups import TargetGroup, check_tables, groups_of
from probe.config.toml_tables.reading import Kinds, RawTables
from probe.core.environment import ConfigProblem, Variables
from probe.core.field_types import Seconds
from probe.core.tables.problems import not_set, table_problems
from probe.net.urls import HttpUrl, show_url
from probe.untrusted.regular_file import read_regular
from probe.untrusted.yaml_document import InvalidYaml, read_yaml

TABLE = "discovery"
MAX_BYTES = 8 << 20
_MAX_FILES = 1000
_MAX_VALUES = 2_000_000


class DiscoveryTable(BaseModel):
    """One entry ``[[discovery]]``: where targets come from, and what is checked of them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    kind: str
    """Kind of the checks. Example: `http`"""
    files: tuple[str, ...] = ()
    """Files in Prometheus' file_sd format, JSON or YAML, with `*` in their names; reread when they
    change. Example: `["/etc/probe/targets/*.yml"]`"""
    url: HttpUrl | None = None
    """Address of an HTTP SD endpoint, instead of `files`. Example: `https://sd.example.org/turn`"""
    token: SecretStr | None = None
    """Bearer token for the endpoint; `token_from` names a variable that holds it."""
    refresh_interval: Seconds = Field(default=60.0, ge=5, le=86400)
    """How often the endpoint is asked. Example: `60`"""
    check: Mapping[str, Any] = Field(default_factory=dict)
    """Keys of every check; `{target}` in a text is the target. Example: `{ url =
    "https://{target}/health", interval = 30 }`"""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if bool(self.files) == (self.url is not None):
            raise ValueError("set either files or url")
        return self


@dataclasses.dataclass
class Discovery:
    """What each source gave last, for as long as the process lives."""

    groups: dict[str, Sequence[TargetGroup]] = dataclasses.field(default_factory=dict)


class DiscoveredTables(Struct, frozen=True):
    """Raw tables by kind; ``problems`` are what could not be read, for people. ``patterns`` are the
    files to watch, ``refresh`` seconds until the next request, None without an endpoint."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    refresh: float | None = None

    def also(self, files: Sequence[Path]) -> "DiscoveredTables":
        """The same, with further files to watch."""
        return replace(self, patterns=(*self.patterns, *map(str, files)))

    def merge_into(self, tables: RawTables) -> RawTables:
        """These tables behind those of ``probe.toml``."""
        names = {*tables, *self.tables}
        return {name: [*tables.get(name, ()), *self.tables.get(name, ())] for name in names}

    def stamp(self) -> object:
        """What changes when the files do, or when an endpoint is to be asked again."""
        files = []
        for pattern in self.patterns:
            for path in _files_of(pattern):
                try:
                    found = path.stat()
                except OSError:
                    continue
                files.append((str(path), found.st_mtime_ns, found.st_size, found.st_ino))
        tick = None if self.refresh is None else int(time.monotonic() / self.refresh)
        return tuple(files), tick


def discover(
    entries: Sequence[Mapping[str, Any]],
    kinds: Kinds,
    variables: Variables,
    known: Discovery,
    path: Path,
) -> tuple[DiscoveredTables, list[ConfigProblem]]:
    """Ask every source. Returns what is wrong in ``[[discovery]]`` itself, too."""
    tables: dict[str, list[Mapping[str, Any]]] = {}
    problems: list[str] = []
    mistakes: list[ConfigProblem] = []
    patterns: list[str] = []
    refreshes: list[float] = []
    for number, raw in enumerate(entries, 1):
        place = f"{path}: [[{TABLE}]] entry {number}"
        table, wrong = _read_table(raw, variables, kinds, place)
        mistakes += wrong
        if table is None:
            continue
        kind = next(each for each in kinds if each.name == table.kind)
        patterns += (_anchored(each, path.parent) for each in table.files)
        refreshes += [table.refresh_interval] if table.url is not None else []
        for source, groups, problem in _sources(table, known, path.parent):
            problems += [problem] if problem else []
            found, invalid = check_tables(kind, groups, table.check, source)
            problems += invalid
            tables.setdefault(kind.name, []).extend(found)
    unique, repeated = _unique(tables)
    return (
        DiscoveredTables(
            unique, (*problems, *repeated), tuple(patterns), min(refreshes, default=None)
        ),
        mistakes,
    )


def _read_table(
    raw: Mapping[str, Any], variables: Variables, kinds: Kinds, place: str
) -> tuple[DiscoveryTable | None, list[ConfigProblem]]:
    filled = dict(raw)
    if isinstance(name := filled.get("token_from"), str):
        del filled["token_from"]
        if variables.get(name) is None:
            return None, [ConfigProblem(f'{place}, key "token_from"', not_set(name))]
        filled["token"] = variables.get(name)
    try:
        table = DiscoveryTable.model_validate(filled)
    except ValidationError as error:
        return None, list(table_problems(error, place, DiscoveryTable))
    names = [kind.name for kind in kinds if "url" in kind.table.model_fields]
    if table.kind not in names:
        problem = f"no kind with a url: write one of {', '.join(names)}"
        return None, [ConfigProblem(f'{place}, key "kind"', problem)]
    return table, []


def _sources(
    table: DiscoveryTable, known: Discovery, folder: Path
) -> Iterator[tuple[str, Sequence[TargetGroup], str]]:
    """Each source: its name for people, its groups, and what went wrong (then the last ones)."""
    if table.url is not None:
        address = table.url.get_secret_value()
        yield _kept(address, show_url(address), partial(_fetched, table, address), known)
        return
    for pattern in table.files:
        anchored = _anchored(pattern, folder)
        found = _files_of(anchored)
        if not found and "*" not in pattern:
            found = [Path(anchored)]
        for file in found:
            yield _kept(str(file), str(file), partial(_read_file, file), known)


def _anchored(pattern: str, folder: Path) -> str:
    """Relative to the folder of ``probe.toml``."""
    return pattern if Path(pattern).is_absolute() else str(folder / pattern)


def _files_of(pattern: str) -> list[Path]:
    import glob

    return [Path(each) for each in sorted(glob.glob(pattern))[:_MAX_FILES]]


def _kept(
    key: str, shown: str, read: Any, known: Discovery
) -> tuple[str, Sequence[TargetGroup], str]:
    try:
        known.groups[key] = read()
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        kept = known.groups.get(key)
        then = "none of its targets are checked" if kept is None else "its last targets are kept"
        return shown, kept or (), f"{shown}: {reason}; {then}"
    return shown, known.groups[key], ""


def _fetched(table: DiscoveryTable, address: str) -> Sequence[TargetGroup]:
    from probe.config.discovery.http_sd import fetch

    token = table.token.get_secret_value() if table.token else ""
    text = fetch(address, token, table.refresh_interval, MAX_BYTES)
    return groups_of(_parsed_json(text))


def _read_file(path: Path) -> Sequence[TargetGroup]:
    text = read_regular(path, MAX_BYTES)
    if path.suffix == ".json":
        return groups_of(_parsed_json(text))
    return groups_of(_parsed_yaml(text))


def _parsed_yaml(text: str) -> object:
    try:
        return read_yaml(text, _MAX_VALUES).value
    except InvalidYaml as error:
        raise ValueError(f"is not valid YAML: {error}") from None


def _parsed_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError("is not valid JSON") from None


def _unique(
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[dict[str, list[Mapping[str, Any]]], list[str]]:
    """Of two checks with one name, as of a target in two files, the first."""
    seen: set[str] = set()
    kept: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in tables}
    for kind, entries in tables.items():
        for each in entries:
            if each["name"] not in seen:
                seen.add(each["name"])
                kept[kind].append(each)
    twice = sum(map(len, tables.values())) - len(seen)
    return kept, [f"{twice} targets are listed twice: the first counts"] if twice else []
