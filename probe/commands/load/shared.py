"""``probe load --coordinator``: a load that several machines share, and taking a share of one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import asdict, replace

from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.diagnostics.redact import Redactor
from probe.kinds.redis import RedisTable
from probe.load.distributed.redis_shares import (
    CoordinatorLost,
    CoordinatorMissing,
    SharedLoad,
    coordinator,
)
from probe.load.distributed.redis_worker import ShareRefused, ShareWorker
from probe.load.generator import Generator, LoadRequest
from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import LoadPlan, Spending, divide, divide_spending
from probe.load.safety import CONFIRMATION, refusal
from probe.load.target import target_of


def check_address(url: str, settings: Settings) -> None:
    """Raises ConfigurationError for what is no Redis address, or the target's own Redis: its
    commands are what a load must not use."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 6379
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme not in ("redis", "rediss"):
        problem = "is not a redis://HOST:PORT or rediss://HOST:PORT address"
        raise ConfigurationError([ConfigProblem("--coordinator", problem)])
    for check in settings.plan.checks:
        if isinstance(check.table, RedisTable):
            own = urlsplit(check.table.url.get_secret_value())
            if (own.hostname, own.port or 6379) == (host, port):
                problem = "is the application's own Redis, which is under load itself: use another"
                raise ConfigurationError([ConfigProblem("--coordinator", problem)])


def shares(request: LoadRequest, parts: int) -> list[dict[str, Any]]:
    """What passes through Redis: plan, limit, and the address by which machines know that they
    watch the same target."""
    plans = divide(request.plan, parts)
    limits = divide_spending(request.limit, len(plans))
    return [
        {
            "plan": asdict(plan),
            "limit": asdict(limit),
            "target": request.target.shown,
        }
        for plan, limit in zip(plans, limits, strict=True)
    ]


async def initiate(
    request: LoadRequest, url: str, parts: int, running: "list[SharedLoad]"
) -> tuple[LoadStatistics, tuple[str, ...]]:
    """Hand out the shares and merge what comes back. ``running`` gets the load, to be stopped.

    Raises ConfigurationError where the coordinator can't be used from the start.
    """
    try:
        async with coordinator(url) as queue:
            load = SharedLoad(queue, request.plan)
            running.append(load)
            found = await load.execute(shares(request, parts))
    except (CoordinatorLost, CoordinatorMissing) as error:
        raise ConfigurationError([ConfigProblem("--coordinator", str(error))]) from None
    if load.stopping.is_set():
        found.stopped_by = "interrupted"
    lost = [*load.lost]
    if load.coordinator_lost:
        lost.append(f"the coordinator {load.coordinator_lost}: what was reported until then counts")
    return found, tuple(lost)


async def join(
    settings: Settings, url: str, *, owned: bool, running: "list[ShareWorker]"
) -> tuple[ShareWorker, LoadRequest | None]:
    """Take one share, and do it. Raises ConfigurationError like ``initiate``."""
    taken: list[LoadRequest] = []

    async def make(share: Mapping[str, Any]) -> Generator:
        taken.append(await _request(settings, share, owned=owned))
        return Generator(taken[0], Context(redact=Redactor(settings.secrets).clean))

    try:
        async with coordinator(url) as queue:
            worker = ShareWorker(queue, make)
            running.append(worker)
            await worker.work()
    except (CoordinatorLost, CoordinatorMissing) as error:
        raise ConfigurationError([ConfigProblem("--coordinator", str(error))]) from None
    return worker, taken[0] if taken else None


async def _request(settings: Settings, share: Mapping[str, Any], *, owned: bool) -> LoadRequest:
    """What a share asks for, by this machine's own configuration. Raises ShareRefused."""
    try:
        plan = msgspec.convert(share["plan"], LoadPlan)
        limit = msgspec.convert(share["limit"], Spending)
        target = target_of(settings.plan, plan)
    except (KeyError, ValueError, ConfigurationError) as error:
        raise ShareRefused(f"the share can't be read ({type(error).__name__})") from None
    if share.get("target") != target.shown:
        raise ShareRefused(f"this machine is configured for {target.shown}")
    url = target.signaling.url.get_secret_value()
    if not owned and (reason := await refusal(plan, url)):
        raise ShareRefused(f"{reason}: this machine needs {CONFIRMATION} too")
    return replace(LoadRequest(plan, target, limit), owns_target=owned)


async def stop_all(running: "list[SharedLoad] | list[ShareWorker]") -> None:
    """End what is under way."""
    for each in running:
        if isinstance(each, SharedLoad):
            each.stopping.set()
        else:
            await each.stop()
