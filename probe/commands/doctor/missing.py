"""What isn't monitored and why, and what each variable that is not set would add."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alerts.notifiers.base import NotifierKind
from probe.commands.doctor.findings import MissingVariable, NotMonitored
from probe.config.check_plan import CheckPlan
from probe.config.probe_environment import ProbeEnvironment
from probe.core.environment import ConfigurationError, Environment, Variables, read_environment
from probe.core.kind import Kind
from probe.reference.fields import SettingField, fields_of

Kinds = Sequence[Kind[Any, Any]]
# Of the probe's own variables, those without which something is not monitored or kept.
_OWN = (
    "PROBE_DATA",
    "PROBE_HEARTBEAT_URL",
    "PROBE_PEERS",
    "PROBE_PUBLIC_URL",
    "PROBE_SENTRY_DSN",
)
_PLACEHOLDER = "0123456789abcdef"
_MAX_NEEDED = 4
_NAME = re.compile(r"[A-Z][A-Z0-9_]{3,}")


def not_monitored(plan: CheckPlan) -> list[NotMonitored]:
    """Every reason for which kinds are skipped, with these kinds."""
    skipped: dict[str, list[str]] = {}
    for each in plan.skipped:
        skipped.setdefault(each.reason, []).append(each.kind)
    return [NotMonitored(tuple(names), reason) for reason, names in skipped.items()]


def missing_variables(
    variables: Variables, kinds: Kinds, notifiers: Sequence[NotifierKind[Any]]
) -> list[MissingVariable]:
    """Variables that would add checks, receivers, or what the probe itself lacks."""
    found = [*_adding_checks(variables, kinds), *_adding_receivers(variables, notifiers)]
    own = {each.name: each for each in fields_of(ProbeEnvironment)}
    found += [
        MissingVariable(name, (), own[name].text) for name in _OWN if variables.get(name) is None
    ]
    return found


def variable_names(kinds: Kinds, notifiers: Sequence[NotifierKind[Any]]) -> set[str]:
    """All variables that anything reads."""
    models: list[type[Environment]] = [ProbeEnvironment]
    models += [each.environment for each in kinds]
    models += [each.environment for each in notifiers]
    return {name for model in models for name in model.variable_names()}


def _adding_checks(variables: Variables, kinds: Kinds) -> Iterator[MissingVariable]:
    """Found by trying: what would be derived if a variable were set too, with those that it
    needs."""
    added: dict[str, list[str]] = {}
    needed: dict[str, set[str]] = {}
    texts: dict[str, str] = {}
    for kind in kinds:
        names = kind.environment.variable_names()
        known = {name: value for name in names if (value := variables.get(name)) is not None}
        fields = {each.name: each for each in fields_of(kind.environment)}
        before = _derived(kind, known)[0]
        for each in fields.values():
            if each.name in known:
                continue
            texts.setdefault(each.name, each.text)
            new, others = _with_what_it_needs(kind, known, each.name, fields)
            if new - before:
                added.setdefault(each.name, []).extend(sorted(new - before))
                # What all of its kinds need: some come without.
                needed[each.name] = needed.get(each.name, {*others}) & others
    for name, checks in added.items():
        yield MissingVariable(name, tuple(checks), texts[name], tuple(sorted(needed[name])))


def _with_what_it_needs(
    kind: Kind[Any, Any], known: Mapping[str, str], name: str, fields: Mapping[str, SettingField]
) -> tuple[frozenset[str], frozenset[str]]:
    """The checks with a variable set, and which others they need: those that the reasons name
    for which there is none."""
    values = {**known, name: _example(fields[name])}
    before, old = _derived(kind, known)
    if not any(name in reason for reason in old):
        return _derived(kind, values)[0], frozenset()
    found = before
    for _ in range(_MAX_NEEDED):
        found, reasons = _derived(kind, values)
        # What is new is about this variable; where nothing is checked at all, so is the rest.
        about = [each for each in reasons if each not in old] or ([] if before else reasons)
        needed = {*_NAME.findall(" ".join(about))} & {*fields} - {*values}
        if found - before or not needed:
            break
        values |= {each: _example(fields[each]) for each in needed}
    return found, frozenset({*values} - {*known} - {name})


def _derived(
    kind: Kind[Any, Any], values: Mapping[str, str]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names of the checks that follow from these variables, and why others don't."""
    try:
        derived = kind.derive(read_environment(kind.environment, Variables(values)))
    except ConfigurationError as error:
        return frozenset(), tuple(str(problem) for problem in error.problems)
    return frozenset(str(table["name"]) for table in derived.tables), tuple(derived.skipped)


def _adding_receivers(
    variables: Variables, notifiers: Sequence[NotifierKind[Any]]
) -> Iterator[MissingVariable]:
    """The first variable of each receiver that has none of its variables."""
    for notifier in notifiers:
        fields = [each for each in fields_of(notifier.environment) if not each.default]
        if fields and not any(variables.get(each.name) for each in fields):
            first = fields[0]
            yield MissingVariable(first.name, (f"notifications by {notifier.name}",), first.text)


def _example(each: SettingField) -> str:
    example = each.example.strip("`").replace("…", _PLACEHOLDER)
    return example or each.default or _PLACEHOLDER
