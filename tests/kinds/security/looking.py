"""Shorthands of the security check's tests."""

from pathlib import Path
from typing import Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result
from probe.core.runner import preload, run_check
from probe.kinds.security import KIND, SecurityTable


async def look(aspect: str, context: Any = None, **table: Any) -> Result:
    """One run of one aspect."""
    given = {"name": f"security-{aspect}", "deadline": 30.0, "aspect": aspect, **table}
    check = Check(KIND, SecurityTable.model_validate(given))
    preload([check])
    context = context or Context()
    try:
        return await run_check(check, context)
    finally:
        await context.closing.drain(timeout=2.0)


def found(result: Result) -> tuple[Cause, str, str]:
    """Cause, evidence and fix of a run that found something."""
    assert result.failure is not None, result
    return result.failure.cause, result.failure.message, result.failure.hint


def passed(result: Result) -> bool:
    """Whether nothing was found, and something was examined."""
    assert result.failure is None, result.failure
    return bool(result.facts)


def text_of(result: Result, folder: Path | None = None) -> str:
    """Everything that a result says."""
    return repr(result) + repr(folder)
