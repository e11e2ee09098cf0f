"""Target groups, and the checks that are made of them."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from pydantic import ValidationError

from probe.core.field_types import plain_error
from probe.core.kind import Kind
from probe.core.tables.problems import shown_key

_PARAMETER = "__probe_"
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MAX_NAME = 63
_MAX_TARGETS = 20_000


class TargetGroup(Struct, frozen=True):
    """Targets with the labels that they share."""

    targets: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


def groups_of(document: object) -> Sequence[TargetGroup]:
    """The groups of a document. Raises ValueError that says what would be right."""
    if document is None:
        return ()
    if not isinstance(document, list):
        raise ValueError('must be a list of groups with "targets" and "labels"')
    found = [_group(number, each) for number, each in enumerate(document, 1)]
    if sum(len(each.targets) for each in found) > _MAX_TARGETS:
        raise ValueError(f"has more than {_MAX_TARGETS} targets")
    return found


def _group(number: int, raw: object) -> TargetGroup:
    if not isinstance(raw, Mapping) or not set(raw) <= {"targets", "labels", "source"}:
        raise ValueError(f'group {number} must have "targets" and "labels" alone')
    targets, labels = raw.get("targets") or [], raw.get("labels") or {}
    if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
        raise ValueError(f"group {number}: targets must be a list of texts")
    is_flat = isinstance(labels, Mapping) and all(
        isinstance(name, str) and _LABEL.fullmatch(name) and isinstance(value, str)
        for name, value in labels.items()
    )
    if not is_flat:
        raise ValueError(f"group {number}: labels must be texts, and their names label names")
    return TargetGroup(tuple(targets), dict(labels))


def check_tables(
    kind: Kind[Any, Any],
    groups: Sequence[TargetGroup],
    keys: Mapping[str, Any],
    source: str,
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The raw table of a check for each target, and what is wrong with the others.

    Labels ``__probe_KEY`` are keys of the check; others that begin with two underscores are
    dropped, as Prometheus drops them.
    """
    found: list[Mapping[str, Any]] = []
    problems: list[str] = []
    for group in groups:
        for target in group.targets:
            raw = _table(kind, target, group.labels, keys)
            problem = _problem(kind, raw)
            if problem:
                problems.append(f'{source}: target "{_shown(target)}": {problem}; it is skipped')
            else:
                found.append(raw)
    return found, problems


def _table(
    kind: Kind[Any, Any], target: str, labels: Mapping[str, str], keys: Mapping[str, Any]
) -> Mapping[str, Any]:
    given = {
        name.removeprefix(_PARAMETER): value
        for name, value in labels.items()
        if name.startswith(_PARAMETER)
    }
    shown = {name: value for name, value in labels.items() if not name.startswith("__")}
    table: dict[str, Any] = {"url": "{target}", "name": _name(kind.name, target)}
    table |= {**keys, **given, "target_labels": shown}
    return {name: _filled(value, target) for name, value in table.items()}


def _filled(value: object, target: str) -> Any:
    return value.replace("{target}", target) if isinstance(value, str) else value


def _name(kind: str, target: str) -> str:
    """From the target, and the same in every process: the shard follows from it."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", target.lower()).strip("-._")
    name = f"{kind}-{plain}"
    if len(name) <= _MAX_NAME and plain == target.lower():
        return name
    digest = hashlib.blake2b(target.encode(), digest_size=4).hexdigest()
    return f"{name[: _MAX_NAME - 9].rstrip('-._')}-{digest}"


def _problem(kind: Kind[Any, Any], raw: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in raw.items() if not key.endswith("_from")}
    try:
        kind.table.model_validate(plain)
    except ValidationError as error:
        return "; ".join(_messages(error))
    return ""


def _messages(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_input=False, include_url=False)[:3]:
        yield f"{shown_key(each['loc'])}: {plain_error(each)}" if each["loc"] else plain_error(each)


def _shown(target: str) -> str:
    """A target without what may be a password."""
    return "".join(c for c in target.rpartition("@")[2].partition("?")[0][:120] if c.isprintable())
