"""A kind of check that does what a test tells it, and shorthands around it."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from probe.core.causes import HINTS, Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind
from probe.core.model import (
    CheckFailed,
    Failure,
    FailurePolicy,
    NotMeasured,
    Result,
    Sample,
    Signal,
    Status,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder

TOY_SECONDS = Signal("probe_toy_seconds", Unit.SECONDS, "How long the toy took.", column="toy")


class ToyEnvironment(Environment):
    """Reads nothing."""


class ToyTable(CheckConfig):
    """What the toy does when it runs."""

    does: str = "ok"
    seconds: float = 0.0
    team: str | None = None
    needs: float = 0.0
    lacks: str = ""

    @property
    def needed_seconds(self) -> float:
        return self.needs

    @property
    def target(self) -> str:
        return f"toy://{self.name}"

    @property
    def redundancy_group(self) -> str | None:
        return self.team


async def run_toy(table: ToyTable, record: Recorder, context: Context) -> None:
    """Follow the table's orders."""
    with record.phase("play"):
        await asyncio.sleep(table.seconds)
    record.sample(TOY_SECONDS, table.seconds)
    with record.phase("finish"):
        match table.does:
            case "fail":
                raise CheckFailed(Cause.HTTP_STATUS, "answered 500")
            case "lack":
                raise CheckFailed(Cause(table.lacks), "no way out")
            case "refuse":
                raise CheckFailed(Cause.AUTH_REJECTED, "said no")
            case "unknown":
                raise NotMeasured(Cause.RATE_LIMITED, "asked too often")
            case "raise":
                raise KeyError("-".join(("hunter", "2")))
            case "hang":
                await asyncio.Event().wait()
            case "cling":
                await _cling()


async def _cling() -> None:
    """Hang, and take long to tidy up after being cancelled."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(30)


def toy_kind(**changes: Any) -> Kind[ToyEnvironment, ToyTable]:
    """A kind named ``toy``; keyword arguments replace its parts."""
    parts: dict[str, Any] = {
        "name": "toy",
        "summary": "plays",
        "environment": ToyEnvironment,
        "table": ToyTable,
        "derive": lambda _: DerivedChecks(),
        "run": run_toy,
        "signals": (TOY_SECONDS,),
        "failing": FailurePolicy(Verdict.CRITICAL, hold=30.0),
        "core": True,
        "cost": "nothing",
    }
    return Kind(**{**parts, **changes})


def toy(name: str = "toy", kind: Kind[Any, Any] | None = None, **table: Any) -> Check:
    """A check of the toy kind."""
    return Check(kind or toy_kind(), ToyTable(name=name, **table))


def result_of(
    check: str,
    status: Status = Status.OK,
    cause: Cause = Cause.HTTP_STATUS,
    samples: Mapping[Signal, float] | None = None,
) -> Result:
    """A result as the runner would make it."""
    failure = None
    if status is not Status.OK:
        failure = Failure("finish", cause, "it did not work", HINTS[cause])
    return Result(
        check=check,
        status=status,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration=0.1,
        samples=tuple(Sample(signal, value) for signal, value in (samples or {}).items()),
        failure=failure,
    )
