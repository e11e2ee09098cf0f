"""A call that is cut off leaves nothing; a backend that issues what is wrong is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from probe.core.context import Context
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds.call import KIND, signals
from probe.lab.backend import LabBackend
from probe.lab.knobs import BackendKnobs
from tests.kinds.call.call_lab import CALLING, call_check, lab_check, run_on
from tests.turn.turn_lab import SECRET, WAYS, Interrupted, TurnLab, ending, turn_lab, values

JWT_SECRET = "a secret of thirty-two bytes or more"


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    KIND.load()  # as a run does before the first deadline counts
    async with turn_lab(tmp_path) as started:
        yield started


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("phase", CALLING)
async def test_a_call_that_is_cancelled_in_any_phase_leaves_nothing(
    lab: TurnLab, context: Context, way: str, phase: str
) -> None:
    lab.knobs.delay = 0.03
    running = Interrupted(lab_check(lab, way), context)
    await running.reaches(phase)
    await running.cancel()
    assert await lab.is_clean(context)


@pytest.mark.parametrize("deadline", [0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.8])
async def test_a_deadline_in_any_phase_is_a_result_and_leaves_nothing(
    lab: TurnLab, context: Context, deadline: float
) -> None:
    lab.knobs.delay = 0.03
    # The runner's limit; the phases' own bounds are shares of it.
    result = await run_check(lab_check(lab), context, deadline=deadline)
    assert result.status in (Status.OK, Status.FAILED)
    if result.failure is not None:
        phase = result.failure.phase
        assert phase in ("start", "dns", *CALLING)
        assert result.failure.cause in ("deadline", f"{phase}_failed")
        assert values(result)[signals.SUCCESS] == 0
    assert result.duration < deadline + 2.0
    assert await lab.is_clean(context)


@asynccontextmanager
async def issuing(lab: TurnLab, knobs: BackendKnobs) -> AsyncIterator[LabBackend]:
    urls = lab.server.urls()
    backend = LabBackend(jwt_secret=JWT_SECRET, turn_secret=SECRET, turn_urls=urls, knobs=knobs)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


@pytest.mark.parametrize(
    ("state", "phase", "cause"),
    [
        ("wrong", "gathering", "auth_rejected"),
        ("expired", "credentials", "credentials_expired"),
        ("refused", "credentials", "auth_rejected"),
        ("empty", "credentials", "credentials_missing"),
    ],
)
async def test_what_the_backend_issues_wrongly_is_reported(
    lab: TurnLab, state: str, phase: str, cause: str
) -> None:
    knobs = BackendKnobs()
    setattr(knobs, "credentials", state)  # noqa: B010 - the knob's type is a Literal
    async with issuing(lab, knobs) as backend:
        result = await run_on(lab.server, call_check(backend_url=backend.url))
    assert ending(result) == (phase, cause)
    assert values(result)[signals.SUCCESS] == 0
    if phase == "gathering":
        assert result.failure is not None
        assert result.failure.message.startswith(lab.url("udp"))
