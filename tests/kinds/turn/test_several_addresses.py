"""A relay's name with several addresses: over UDP browsers ask the first of each family alone."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.model import Result
from probe.core.runner import run_check
from probe.kinds import allocation, call, stun, turn
from probe.net.resolver import Address
from probe.turn import resolve as turn_resolve
from tests.servers.middleboxes.dead import silent_ports
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab, turn_lab

NAME = "many.example.org"
KINDS = [turn.KIND, call.KIND, allocation.KIND]


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started


@contextmanager
def _silent_by_udp() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield silent.getsockname()[1]


def _port(lab: TurnLab, way: str) -> int:
    return int(lab.url(way).rpartition(":")[2].partition("?")[0])


async def _run(
    kind: Kind[Any, Any], way: str, ports: list[int], patch: pytest.MonkeyPatch, deadline: float
) -> Result:
    addresses = [Address("127.0.0.1", port, socket.AF_INET) for port in ports]

    async def resolve(*_: object, **__: object) -> list[Address]:
        return addresses

    patch.setattr(turn_resolve, "resolve", resolve)
    table: dict[str, object] = {"name": "many", "deadline": deadline, "url": f"stun:{NAME}"}
    if kind is not stun.KIND:
        table |= {"url": f"turn:{NAME}?transport={way}"}
        table |= {"username": USERNAME, "password": PASSWORD}
    context = Context()
    result = await run_check(Check(kind, kind.table.model_validate(table)), context)
    assert await context.closing.drain(timeout=20) == 0
    return result


@pytest.mark.parametrize("kind", [*KINDS, stun.KIND], ids=lambda each: each.name)
async def test_over_udp_the_first_is_the_only_one(
    kind: Kind[Any, Any], lab: TurnLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _silent_by_udp() as silent:
        ports = [silent, _port(lab, "udp")]
        result = await _run(kind, "udp", ports, monkeypatch, 2.0)
        assert result.failure is not None
        assert result.failure.cause is Cause.DEADLINE
        if kind is not call.KIND:
            assert result.facts["not asked"] == "127.0.0.1"
        assert (await _run(kind, "udp", ports[::-1], monkeypatch, 20.0)).failure is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.name)
async def test_over_tcp_the_second_is_asked_beside_it(
    kind: Kind[Any, Any], lab: TurnLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_ports(2) as silent:
        good = _port(lab, "tcp")
        result = await _run(kind, "tcp", [silent[0], good, silent[1]], monkeypatch, 20.0)
        assert result.failure is None
        failure = (await _run(kind, "tcp", [*silent, good], monkeypatch, 2.0)).failure
        assert failure is not None
        assert failure.cause is Cause.DEADLINE
