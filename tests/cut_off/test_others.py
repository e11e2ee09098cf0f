"""The same of what runs against more than the lab's plan: users' journeys, stores, calls to
another probe, and a load."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from probe.core.context import Context
from probe.lab import Lab
from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import JOURNEY, LoadPlan, with_needed
from tests.cut_off.sweep import left_of, run_stepped, what_is_left
from tests.kinds.journey.journeys import journey_lab
from tests.kinds.peer.peer_apis import peer_check, real_door
from tests.kinds.stores import odd_postgres, odd_redis, postgres_runs, redis_runs
from tests.kinds.stores.odd_server import serving
from tests.load.loading import SIGNALING_STEPS, generator
from tests.servers.certificate import Certificate, make_certificate

Drains = Iterable[int | None]
Sweep = Callable[[Path, int, Drains], Awaitable[list[str]]]
_FEW: tuple[int | None, ...] = (None, 1, 3)
_EACH: tuple[int | None, ...] = (None, 0, 1, 2, 3, 5)
_LOADS = {
    "signaling": LoadPlan(users=2, duration=0.5, steps=SIGNALING_STEPS),
    "journey": LoadPlan(users=2, duration=0.5, steps=with_needed([JOURNEY])),
    "all": LoadPlan(users=1, duration=0.1),
}


async def _journey(folder: Path, every: int, drains: Drains) -> list[str]:
    async with journey_lab(folder) as lab:
        check = lab.check()
        check.kind.load()
        return await what_is_left(
            check, every=every, drains=drains, held=lambda: lab.turn.server.allocations
        )


async def _redis(folder: Path, every: int, drains: Drains) -> list[str]:
    async with serving(odd_redis.redis(pieces=7)()) as port:
        check = redis_runs.check(odd_redis.URL.format(port=port))
        check.kind.load()
        return await what_is_left(check, every=every, drains=drains)


async def _redis_tls(folder: Path, every: int, drains: Drains) -> list[str]:
    certificate = make_certificate(folder)
    async with serving(odd_redis.redis()(), _server_side(certificate)) as port:
        check = redis_runs.check(f"rediss://127.0.0.1:{port}", ca_file=certificate.ca_file)
        check.kind.load()
        return await what_is_left(check, every=every, drains=drains)


async def _postgres_tls(folder: Path, every: int, drains: Drains) -> list[str]:
    certificate = make_certificate(folder)
    context, inner = _server_side(certificate), odd_postgres.postgres(odd_postgres.scram())()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"S")
        await writer.start_tls(context)
        await inner(reader, writer)

    async with serving(handle) as port:
        url = odd_postgres.URL.format(port=port) + "?sslmode=verify-ca"
        check = postgres_runs.check(url, ca_file=certificate.ca_file)
        check.kind.load()
        return await what_is_left(check, every=every, drains=drains)


def _server_side(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return context


async def _postgres(folder: Path, every: int, drains: Drains) -> list[str]:
    async with serving(odd_postgres.postgres(odd_postgres.scram())()) as port:
        check = postgres_runs.check(odd_postgres.URL.format(port=port))
        check.kind.load()
        return await what_is_left(check, every=every, drains=drains)


async def _peer(folder: Path, every: int, drains: Drains) -> list[str]:
    async with real_door(Context()) as url:
        check = peer_check(url)
        check.kind.load()
        return await what_is_left(check, every=every, drains=drains)


def _load(name: str) -> Sweep:
    async def sweep(folder: Path, every: int, drains: Drains) -> list[str]:
        def is_whole(found: object) -> bool:
            return isinstance(found, LoadStatistics) and found.completed > 0

        async with Lab() as lab:
            lab.backend.knobs.limits = False
            environment = lab.environment()

            async def run(context: Context) -> LoadStatistics:
                return await generator(environment, _LOADS[name], context=context).run()

            held = lambda: lab.primary.allocations + lab.backup.allocations  # noqa: E731
            return await left_of(run, every=every, drains=drains, is_whole=is_whole, held=held)

    return sweep


# With how many turns between two cuts, in the short form and in the long one.
_SWEEPS: dict[str, tuple[Sweep, int, int]] = {
    "journey": (_journey, 97, 13),
    "redis": (_redis, 5, 1),
    "redis over TLS": (_redis_tls, 7, 1),
    "postgres": (_postgres, 5, 1),
    "postgres over TLS": (_postgres_tls, 7, 1),
    "peer": (_peer, 47, 3),
    "load signaling": (_load("signaling"), 97, 13),
    "load journey": (_load("journey"), 197, 29),
    "load all": (_load("all"), 197, 29),
}


@pytest.mark.parametrize("name", _SWEEPS)
def test_a_run_that_is_cut_off_leaves_nothing(name: str, tmp_path: Path) -> None:
    sweep, every, _ = _SWEEPS[name]
    assert run_stepped(lambda: sweep(tmp_path, every, _FEW)) == []


@pytest.mark.proof
@pytest.mark.parametrize("name", _SWEEPS)
def test_a_run_that_is_cut_off_at_many_more_turns_leaves_nothing(name: str, tmp_path: Path) -> None:
    sweep, _, every = _SWEEPS[name]
    assert run_stepped(lambda: sweep(tmp_path, every, _EACH)) == []


def test_a_socket_that_is_left_is_named() -> None:
    left: list[socket.socket] = []

    async def run(context: Context) -> bool:
        with socket.socket() as sock:
            try:
                await asyncio.sleep(1.0)
            except asyncio.CancelledError:
                left.append(sock.dup())
                raise
        return True

    found = run_stepped(lambda: left_of(run, every=1, drains=[None], is_whole=bool))
    assert len(found) == len(left) >= 1
    assert all("descriptor" in line for line in found)
    for each in left:
        each.close()
