"""Every way a TURN path fails, by every way in: its cause, within the deadline, and nothing
is left behind. As a table: ``pytest -rP`` prints it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.model import Result, Status
from probe.kinds import allocation, call, turn
from probe.lab.certificates import expired, untrusted, wrong_name
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.turn.turn_lab import (
    HOST,
    PASSWORD,
    SECRET,
    USERNAME,
    WAYS,
    TurnLab,
    ending,
    run,
    turn_lab,
)

DEADLINE = 4.0
# A call has more phases, each with its share of the deadline.
CALLS_TAKE = 3
KINDS: list[Kind[Any, Any]] = [allocation.KIND, turn.KIND, call.KIND]

Ends = Mapping[str, str]


def alike(cause: str) -> Ends:
    """The same cause by every way in."""
    return dict.fromkeys(WAYS, cause)


class Fault(Struct, frozen=True):
    """What is wrong with the lab's server or with the table, and the cause by way in.

    ``seen_by_looks`` is false for what only relayed packets show, ``by_calls`` for what a
    call may meet as this or that, by chance.
    """

    ends: Ends
    knobs: Mapping[str, object] | None = None
    table: Mapping[str, object] | None = None
    certificate: Any = None
    gone: bool = False
    deadline: float = DEADLINE
    seen_by_looks: bool = True
    by_calls: bool = True


def _expired_login() -> dict[str, object]:
    return {"username": f"{int(time.time()) - 60}:probe", "password": "any"}


FAULTS: dict[str, Fault] = {
    "fine": Fault(alike("")),
    "name does not resolve": Fault(alike("dns_failed"), table={"host": "no-such-host.invalid"}),
    "reserved address": Fault(alike("address_reserved"), table={"host": "192.0.2.1"}),
    "port closed": Fault(alike("connect_refused"), gone=True),
    "silent": Fault(alike("deadline"), knobs={"silent": True}, deadline=0.5),
    "closes after connect": Fault(
        {"tcp": "connection_closed", "tls": "connection_closed"}, knobs={"close_on_connect": True}
    ),
    "garbage": Fault(alike("protocol_error"), knobs={"garbage": True}),
    "certificate: wrong name": Fault({"tls": "tls_invalid"}, certificate=wrong_name),
    "certificate: unknown authority": Fault(
        {"tls": "tls_invalid"}, certificate=lambda _: untrusted([HOST])
    ),
    "certificate: expired": Fault(
        {"tls": "tls_invalid"}, certificate=lambda authority: expired(authority, [HOST])
    ),
    "TLS stalls": Fault({"tls": "deadline"}, knobs={"tls_stall": True}, deadline=0.5),
    "wrong password": Fault(alike("auth_rejected"), table={"password": "wrong"}),
    "unknown user": Fault(alike("auth_rejected"), table={"username": "nobody"}),
    "wrong secret": Fault(
        alike("auth_rejected"),
        table={"username": None, "password": None, "shared_secret": "wrong"},
    ),
    "right secret": Fault(
        alike(""), table={"username": None, "password": None, "shared_secret": SECRET}
    ),
    "expired time-limited name": Fault(alike("credentials_expired"), table={"expired": True}),
    "no credentials": Fault(
        alike("credentials_missing"), table={"username": None, "password": None}
    ),
    "stale nonce": Fault(alike("stale_nonce"), knobs={"error": 438}),
    "quota reached": Fault(alike("allocation_quota"), knobs={"error": 486}),
    "no capacity": Fault(alike("allocation_capacity"), knobs={"error": 508}),
    "server error": Fault(alike("allocation_refused"), knobs={"error": 500}),
    "relayed address reserved": Fault(
        alike("relay_address_unusable"), knobs={"relayed_address": "192.0.2.1"}
    ),
    "forbidden peer": Fault(alike("peer_forbidden"), knobs={"error": 403}, seen_by_looks=False),
    "hairpin fails": Fault(
        alike("hairpin_failed"), knobs={"hairpin": False}, deadline=2.5, seen_by_looks=False
    ),
    "75 % loss": Fault(
        {"udp": "relay_loss"}, knobs={"loss": 0.75, "seed": 3}, seen_by_looks=False, by_calls=False
    ),
}


def _cases() -> list[Any]:
    return [
        pytest.param(kind, name, way, id=f"{kind.name}: {name}: {way}")
        for kind in KINDS
        for name, fault in FAULTS.items()
        for way in fault.ends
        if fault.by_calls or kind is not call.KIND
    ]


def _check(kind: Kind[Any, Any], lab: TurnLab, way: str, fault: Fault) -> Check:
    table: dict[str, Any] = {"username": USERNAME, "password": PASSWORD, **(fault.table or {})}
    if table.pop("expired", False):
        table |= _expired_login()
    host = table.pop("host", HOST)
    url = lab.url(way).replace(HOST, str(host))
    known = {key: value for key, value in table.items() if value is not None}
    deadline = fault.deadline * (CALLS_TAKE if kind is call.KIND else 1)
    parts = {"name": "x", "url": url, "ca_file": lab.ca_file, "deadline": deadline}
    return Check(kind, kind.table.model_validate({**parts, **known}))


@pytest.mark.parametrize(("kind", "name", "way"), _cases())
async def test_each_fault_has_its_cause_by_each_way_in(
    leaks: None, tmp_path: Path, kind: Kind[Any, Any], name: str, way: str
) -> None:
    fault, context = FAULTS[name], Context()
    async with turn_lab(tmp_path, certificate=fault.certificate) as lab:
        check = _check(kind, lab, way, fault)
        for knob, value in (fault.knobs or {}).items():
            assert hasattr(lab.knobs, knob)
            setattr(lab.knobs, knob, value)
        if fault.gone:
            await lab.server.stop()
        result = await run(check, context)
        seen = fault.seen_by_looks or kind is not allocation.KIND
        expected = fault.ends[way] if seen else ""
        assert _cause(result) == expected
        assert result.duration < check.table.deadline + 2.0
        assert await lab.is_clean(context)
    print(f"{name:32} {way:4} {kind.name:11} {_outcome(result)}")


def _cause(result: Result) -> str:
    found = ending(result)
    return found[1] if found else ""


def _outcome(result: Result) -> str:
    found = ending(result)
    return f"{found[1]} in {found[0]}" if found else "ok"


async def _stop(server: Coturn) -> None:
    await asyncio.to_thread(server.stop)


REAL: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "fine": ({}, {}, ""),
    "wrong password": ({}, {"password": "wrong"}, "auth_rejected"),
    "wrong secret": ({"auth_secret": True}, {"shared_secret": "wrong"}, "auth_rejected"),
    "expired name": ({"auth_secret": True}, {"expired": True}, "credentials_expired"),
    "quota reached": ({"user_quota": 1}, {}, "allocation_quota"),
    "forbidden peer": (
        {"denied_peer_ip": ["127.0.0.0-127.255.255.255"], "loopback_peers": False},
        {},
        "peer_forbidden",
    ),
    "stopped": ({}, {"gone": True}, "connect_refused"),
    "another name": ({}, {"host": "127.0.0.2"}, "connect_refused"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", REAL)
async def test_coturn_shows_the_same_causes(
    leaks: None, coturn: CoturnFactory, name: str, way: str
) -> None:
    config, changes, cause = REAL[name]
    server, context = await asyncio.to_thread(coturn, CoturnConfig(**config)), Context()
    url = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}[way]
    table: dict[str, Any] = {"username": server.username, "password": server.password, **changes}
    if table.pop("gone", False):
        await _stop(server)
    if table.pop("expired", False):
        table |= _expired_login()
    if "shared_secret" in table:
        del table["username"], table["password"]
    url = url.replace(HOST, table.pop("host", HOST))
    parts = {"name": "x", "url": url, "ca_file": server.ca_file, "deadline": 6}
    result = await run(Check(turn.KIND, turn.TurnTable.model_validate({**parts, **table})), context)
    assert _cause(result) == cause
    assert result.duration < 12
    assert await context.closing.drain(timeout=20) == 0
    print(f"coturn: {name:24} {way:4} {_outcome(result)}")


@pytest.fixture
async def blackhole(leaks: None) -> AsyncIterator[int]:
    """A port whose queue of connections is full: what comes is dropped."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind((HOST, 0))
        listening.listen(0)
        for filling in (first, second):
            filling.setblocking(False)
            filling.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize(("scheme", "way"), [("turn", "tcp"), ("turns", "tls")])
async def test_a_dropped_syn_ends_at_the_deadline(blackhole: int, scheme: str, way: str) -> None:
    url = f"{scheme}:{HOST}:{blackhole}?transport=tcp"
    table = {"name": "x", "url": url, "username": "u", "password": "p", "deadline": 0.5}
    result = await run(Check(turn.KIND, turn.TurnTable.model_validate(table)))
    assert (result.status, ending(result)) == (Status.FAILED, ("connect", "deadline"))
    print(f"{'SYN dropped':32} {way:4} {_outcome(result)}")
