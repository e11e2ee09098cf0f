"""The ``[[gate]]`` tables of ``probe.toml``: objectives of the release gate."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from probe.core.environment import ConfigProblem
from probe.core.kind import Check
from probe.core.tables.problems import read_entries
from probe.core.thresholds import signals_of_check
from probe.untrusted.text import suggest

StatisticName = Literal[
    "availability", "success", "ratio", "p95", "time", "mean", "last", "increase"
]


class GateTable(BaseModel):
    """One objective of the release gate: a new one, or the change of one that the checks bring."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(min_length=1, max_length=200)
    """Name of the objective; that of an objective which `probe watch` lists changes it. Example:
    `error-rate`"""
    enabled: bool = True
    """`false` leaves the objective out. Example: `false`"""
    checks: tuple[str, ...] = ()
    """Names or kinds of the checks whose results count together. Example: `["call", "peer"]`"""
    signal: str | None = None
    """The signal that is judged; without it, whether the runs pass. Example:
    `probe_memory_used_bytes`"""
    statistic: StatisticName | None = None
    """`availability`: share of the time in which the checks pass; `success`: share of the runs that
    pass; `ratio`: share of the values, each 0 or 1; `p95`: by count of values; `time`: beyond the
    limit for at most 5 % of the time; `mean`; `last`; `increase`: how much a counter rises.
    Example: `p95`"""
    limit: FiniteFloat | None = None
    """The limit, in the signal's unit; the limit itself is good. Example: `0.5`"""
    bad: Literal["above", "below"] | None = None
    """The side of the limit on which a value is bad. Example: `above`"""
    required: bool | None = None
    """Whether the gate can't say go while this objective isn't decided; without it, where its
    checks are essential or have measured anything. Example: `true`"""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        runs = self.statistic in ("availability", "success")
        if self.signal is not None and runs:
            raise ValueError(f'"{self.statistic}" is of runs: leave "signal" out')
        if self.signal is None and self.statistic is not None and not runs:
            raise ValueError(f'"{self.statistic}" is of a signal: set "signal"')
        if runs and self.limit is not None and not 0 < self.limit < 1:
            raise ValueError('"limit" must be a share between 0 and 1 (0.999)')
        return self

    def selects(self, check: Check) -> bool:
        """Whether a check's results count."""
        return check.name in self.checks or check.kind.name in self.checks


def read_gate(
    raw: Iterable[Mapping[str, Any]], checks: Sequence[Check], path: Path
) -> tuple[tuple[GateTable, ...], list[ConfigProblem]]:
    """The tables, and what is wrong with them."""
    tables, problems = read_entries(raw, GateTable, "gate", path)
    names: set[str] = set()
    for place, table in tables.items():
        problems += _unknown_names(table, checks, place)
        if table.name in names:
            problems.append(ConfigProblem(place, f'"{table.name}" is there twice: keep one'))
        names.add(table.name)
    return tuple(tables.values()), problems


def _unknown_names(
    table: GateTable, checks: Sequence[Check], place: str
) -> Iterable[ConfigProblem]:
    known = [name for check in checks for name in (check.name, check.kind.name)]
    for name in table.checks:
        if name not in known:
            listed = list(dict.fromkeys(known))
            yield ConfigProblem(
                f'{place}, key "checks"', f'no check or kind "{name}"' + suggest(name, listed)
            )
    if table.signal is not None:
        chosen = [check for check in checks if table.selects(check)] or list(checks)
        signals = [signal.name for check in chosen for signal in signals_of_check(check)]
        if table.signal not in signals:
            problem = "no such signal" + suggest(table.signal, list(dict.fromkeys(signals)))
            yield ConfigProblem(f'{place}, key "signal"', problem)
