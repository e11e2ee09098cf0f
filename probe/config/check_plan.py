"""Makes the plan from variables and the tables of ``probe.toml``: the checks, and what is skipped.

All mistakes are collected before any is reported, so that one attempt shows them all.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from probe.config.toml_tables.reading import FROM_VARIABLE, Kinds, RawTables
from probe.core.environment import (
    ConfigProblem,
    ConfigurationError,
    Variables,
    read_environment,
)
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind, Skipped
from probe.core.model import LimitSide
from probe.core.tables.problems import not_set, table_problems
from probe.core.thresholds import limits_are_ordered, signals_of_check, thresholds_of
from probe.untrusted.text import suggest

OUT_OF_ORDER = {
    LimitSide.ABOVE: "write objective ≤ warning ≤ critical: values above a limit are bad",
    LimitSide.BELOW: "write objective ≥ warning ≥ critical: values below a limit are bad",
}


class CheckPlan(Struct, frozen=True):
    """The configured checks in a fixed order, and what is skipped and why.

    ``may_be_empty``: a plan without checks is valid (a witness).
    """

    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...] = ()
    may_be_empty: bool = False


def make_plan(
    kinds: Kinds, variables: Variables, tables: RawTables, path: Path = Path("probe.toml")
) -> CheckPlan:
    """Derive tables from the variables, merge the file's into them, validate all.

    An entry of the file with the name of a derived check changes that check; any other is
    a check of its own. Raises ConfigurationError with every mistake.
    """
    checks: list[Check] = []
    skipped: list[Skipped] = []
    problems: list[ConfigProblem] = []
    places: list[str] = []
    for kind in kinds:
        derived, readable = DerivedChecks(), True
        try:
            derived = kind.derive(read_environment(kind.environment, variables))
        except ConfigurationError as error:
            problems += error.problems
            readable = False
        surveyed = kind.derive_from_checks([check for check in checks if check.table.enabled])
        derived = replace(derived, tables=(*derived.tables, *surveyed))
        for index, raw in _merge(derived, tables.get(kind.name, ())):
            place = f"{path}: [[{kind.name}]] entry {index}" if index else f"{kind.name} check"
            try:
                table = _validate(kind, raw, place, variables, complete=readable)
                checks += [Check(kind, table)] if table else []
                places += [place] if table else []
            except ConfigurationError as error:
                problems += error.problems
        skipped += [Skipped(kind.name, reason) for reason in derived.skipped]
    problems += _duplicates(checks, places)
    if problems:
        raise ConfigurationError(problems)
    off = [check for check in checks if not check.table.enabled]
    skipped += [Skipped(check.kind.name, f"{check.name} {DISABLED} {path}") for check in off]
    return CheckPlan(tuple(check for check in checks if check.table.enabled), tuple(skipped))


DISABLED = "is disabled in"
NOTHING_TO_CHECK = (
    "there is nothing to check: set BACKEND_URL or TURN_URLS, or FRONTEND_URL for a page alone"
)


def select(
    plan: CheckPlan, only: Iterable[str], required: Iterable[str], *, once: bool = False
) -> CheckPlan:
    """The selected part of a plan, by check names or kinds.

    Kinds that run on request are left out unless they are named; the daemon also runs those with an
    interval, a run ``once`` does not. Raises ConfigurationError for a name that isn't configured,
    or if nothing is left.
    """
    selected, required = list(only), list(required)
    problems = [
        _unknown("--only", name, plan) for name in selected if not select_checks(plan, name)
    ]
    problems += [
        _unknown("--require", name, plan) for name in required if not select_checks(plan, name)
    ]
    if problems:
        raise ConfigurationError(problems)
    chosen = _without_on_request(plan, [*selected, *required], once=once)
    if selected:
        named = {check.name for name in selected for check in select_checks(plan, name)}
        checks = tuple(check for check in plan.checks if check.name in named)
        chosen = CheckPlan(checks, tuple(skip for skip in plan.skipped if skip.kind in selected))
    if not chosen.checks and not (plan.may_be_empty and not once):
        raise ConfigurationError([ConfigProblem("configuration", _why_nothing(plan))])
    return chosen


def _why_nothing(plan: CheckPlan) -> str:
    off = [skip.reason for skip in plan.skipped if DISABLED in skip.reason]
    return f"there is nothing to check: {'; '.join(off)}" if off else NOTHING_TO_CHECK


def _without_on_request(plan: CheckPlan, named: Sequence[str], *, once: bool) -> CheckPlan:
    named_checks = {check.name for name in named for check in select_checks(plan, name)}
    left_out = [
        check
        for check in plan.checks
        if check.name not in named_checks
        and check.kind.on_request
        and (once or not check.is_regular)
    ]
    skipped = [
        Skipped(check.kind.name, f"{check.name} runs on request: --only {check.kind.name}")
        for check in left_out
    ]
    kept = tuple(check for check in plan.checks if check not in left_out)
    return CheckPlan(kept, (*plan.skipped, *skipped))


def select_checks(plan: CheckPlan, name: str) -> list[Check]:
    """The checks with this name or of this kind."""
    return [check for check in plan.checks if name in (check.name, check.kind.name)]


def _merge(
    derived: DerivedChecks, entries: Sequence[Mapping[str, Any]]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Pairs of (entry's number in the file or 0, raw table)."""
    defaults = derived.defaults
    merged = {table["name"]: (0, {**defaults, **table}) for table in derived.tables}
    extra: list[tuple[int, Mapping[str, Any]]] = []
    for index, entry in enumerate(entries, 1):
        name = entry.get("name")
        if isinstance(name, str) and name in merged and not merged[name][0]:
            merged[name] = (index, {**merged[name][1], **entry})
        else:
            extra.append((index, {**defaults, **entry}))
    return [*merged.values(), *extra]


def _validate(
    kind: Kind[Any, Any],
    raw: Mapping[str, Any],
    place: str,
    variables: Variables,
    *,
    complete: bool,
) -> CheckConfig | None:
    """The table; None if it may only lack what a wrong variable would have given."""
    filled, problems = _fill(raw, place, variables)
    try:
        table: CheckConfig = kind.table.model_validate(filled)
    except ValidationError as error:
        # A missing value is reported once, at its variable.
        complete = complete and not problems
        problems += table_problems(error, place, kind.table, complete=complete)
        if problems:
            raise ConfigurationError(problems) from None
        return None
    if problems:
        raise ConfigurationError(problems)
    known = [signal.name for signal in signals_of_check(Check(kind, table))]
    unknown = [name for name in table.thresholds if name not in known]
    if unknown:
        raise ConfigurationError(
            ConfigProblem(f'{place}, thresholds "{name}"', "no such signal" + suggest(name, known))
            for name in unknown
        )
    wrong = [
        ConfigProblem(f'{place}, thresholds "{threshold.signal.name}"', OUT_OF_ORDER[threshold.bad])
        for threshold in thresholds_of(Check(kind, table))
        if not limits_are_ordered(threshold)
    ]
    if wrong:
        raise ConfigurationError(wrong)
    return table


def _fill(
    raw: Mapping[str, Any], place: str, variables: Variables
) -> tuple[dict[str, Any], list[ConfigProblem]]:
    """Replace every ``key_from = "NAME"`` by ``key = value of NAME``; and what is not set."""
    filled: dict[str, Any] = {}
    problems: list[ConfigProblem] = []
    for key, value in raw.items():
        if not key.endswith(FROM_VARIABLE) or not isinstance(value, str):
            filled[key] = value
            continue
        found = variables.get(value)
        if found is None:
            problems.append(ConfigProblem(f'{place}, key "{key}"', not_set(value)))
        else:
            filled[key.removesuffix(FROM_VARIABLE)] = found
    return filled, problems


def _duplicates(checks: Sequence[Check], places: Sequence[str]) -> Iterable[ConfigProblem]:
    first: dict[str, str] = {}
    for check, place in zip(checks, places, strict=True):
        if check.name in first:
            problem = f'"{check.name}" is the name of {first[check.name]}, too: rename one of them'
            yield ConfigProblem(f'{place}, key "name"', problem)
        first.setdefault(check.name, place.rpartition(": ")[2])


def _unknown(option: str, name: str, plan: CheckPlan) -> ConfigProblem:
    reasons = [skip.reason for skip in plan.skipped if skip.kind == name]
    if reasons:
        return ConfigProblem(f"{option} {name}", f"not configured: {'; '.join(reasons)}")
    known = [check.name for check in plan.checks]
    kinds = sorted({check.kind.name for check in plan.checks})
    listed = [*kinds, *(check for check in known if check not in kinds)]
    return ConfigProblem(f"{option} {name}", "no such check or kind" + suggest(name, listed))
