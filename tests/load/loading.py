"""Loads in the test's own loop: a plan, a target, and the generator on them."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from probe.config.settings import load_settings
from probe.core.context import Context
from probe.kinds import KINDS
from probe.load.budget import default_limit
from probe.load.generator import Generator, LoadRequest
from probe.load.plan import LoadPlan, Spending, with_needed
from probe.load.target import LoadTarget, target_of

SIGNALING_STEPS = with_needed(["session", "round_trip"])


def target_at(environment: dict[str, str], plan: LoadPlan) -> LoadTarget:
    """What these variables configure."""
    return target_of(load_settings(KINDS, environment, alone=True).plan, plan)


def generator(
    environment: dict[str, str],
    plan: LoadPlan,
    limit: Spending | None = None,
    context: Context | None = None,
    **changed: Any,
) -> Generator:
    """A generator of this plan; without a limit it has the default one."""
    target = target_at(environment, plan)
    limit = limit or default_limit(plan, minted=target.minted)
    request = replace(LoadRequest(plan, target, limit), **changed)
    return Generator(request, context or Context())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
