"""Journey after journey, with faults: nothing is left in the lab or in the reference server."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Status
from probe.kinds import journey
from tests.kinds.journey.journeys import JourneyLab, NodeLab, journey_lab, node_lab, run
from tests.servers.node_backend import Mode, NodeBackendFactory
from tests.turn.turn_lab import Interrupted, ending

SEED = 8
BACKEND_FAULTS: list[tuple[str, Any]] = [
    ("match", "never"),
    ("match", "lost"),
    ("match", "ends"),
    ("second_match", 0.6),
    ("signaling_latency", 0.05),
    ("signaling", "silent"),
    ("signaling", "refuses"),
    ("redis", "down"),
    ("credentials", "wrong"),
]
RELAY_FAULTS: list[tuple[str, Any]] = [
    ("silent", True),
    ("error", 486),
    ("hairpin", False),
    ("loss", 0.05),
    ("delay", 0.05),
    ("drop_after", 5),
]


async def _one(check: Check, context: Context, dice: random.Random) -> None:
    """To its end, to a deadline, or cut off at any moment."""
    if dice.random() < 0.4:
        running = Interrupted(check, context)
        await asyncio.sleep(dice.uniform(0, 1.5))
        await running.cancel()
    else:
        await run(check, context)


async def _faulty(lab: JourneyLab, context: Context, count: int) -> None:
    dice = random.Random(SEED)
    for _ in range(count):
        knobs, faults = dice.choice([(lab.knobs, BACKEND_FAULTS), (lab.turn.knobs, RELAY_FAULTS)])
        name, value = dice.choice(faults)
        healthy = getattr(type(knobs)(), name)
        setattr(knobs, name, value)
        await _one(lab.check(deadline=2.5), context, dice)
        setattr(knobs, name, healthy)
        assert await lab.is_clean(context), (name, value)
    assert (await run(lab.check(), context)).status is Status.OK


async def test_ten_faulty_journeys_leave_nothing_in_the_lab(leaks: None, tmp_path: Path) -> None:
    journey.KIND.load()
    async with journey_lab(tmp_path) as lab:
        await _faulty(lab, Context(), 10)


@pytest.mark.proof
async def test_a_hundred_faulty_journeys_leave_nothing_in_the_lab(
    leaks: None, tmp_path: Path
) -> None:
    journey.KIND.load()
    async with journey_lab(tmp_path) as lab:
        await _faulty(lab, Context(), 100)


async def _faulty_on_node(lab: NodeLab, context: Context, count: int) -> None:
    dice = random.Random(SEED)
    for _ in range(count):
        name, value = dice.choice(RELAY_FAULTS)
        healthy = getattr(type(lab.turn.knobs)(), name)
        setattr(lab.turn.knobs, name, value)
        await _one(lab.check(deadline=2.5), context, dice)
        setattr(lab.turn.knobs, name, healthy)
        assert await lab.is_clean(context), (name, value)
    assert (await run(lab.check(), context)).failure is None


async def test_ten_faulty_journeys_leave_nothing_on_node(
    leaks: None, tmp_path: Path, node_backend: NodeBackendFactory
) -> None:
    journey.KIND.load()
    async with node_lab(tmp_path, node_backend) as lab:
        await _faulty_on_node(lab, Context(), 10)


@pytest.mark.proof
async def test_a_hundred_faulty_journeys_leave_nothing_on_node(
    leaks: None, tmp_path: Path, node_backend: NodeBackendFactory
) -> None:
    journey.KIND.load()
    async with node_lab(tmp_path, node_backend) as lab:
        await _faulty_on_node(lab, Context(), 100)


@pytest.mark.parametrize(
    ("mode", "end"),
    [
        ("ok", None),
        ("never", ("match", "deadline")),
        ("lost", ("signal", "session_lost")),
        ("refuse", ("credentials", "auth_rejected")),
    ],
)
async def test_the_reference_server_brings_two_together_or_fails_to(
    leaks: None,
    tmp_path: Path,
    node_backend: NodeBackendFactory,
    mode: Mode,
    end: tuple[str, str] | None,
) -> None:
    journey.KIND.load()
    context = Context()
    async with node_lab(tmp_path, node_backend, mode) as lab:
        result = await run(lab.check(deadline=3 if mode == "never" else 20), context)
        assert ending(result) == end
        assert await lab.is_clean(context)
        state = await lab.state()
        assert state["matches"] == (mode in ("ok", "lost"))
        # Offer, answer, two candidates; nothing where no session stood.
        assert state["passedOn"] == (4 if mode == "ok" else 0)
