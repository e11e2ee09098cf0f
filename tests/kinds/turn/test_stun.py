"""STUN servers answer with the address that they see; what goes wrong has its cause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice.stun import Class, Message, Method, parse_message

from alerts.evaluation.verdict import judge
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Status, Verdict
from probe.kinds import KINDS, stun
from probe.kinds.stun import KIND, StunTable
from probe.stun.uri import parse_stun_url
from probe.turn_targets.signals import BYTES
from tests.fake_kind import result_of
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.turn.turn_lab import TurnLab, ending, run, values


def check_of(url: str, **table: Any) -> Check:
    return Check(KIND, StunTable.model_validate({"name": "stun", "url": url, **table}))


class Answering(asyncio.DatagramProtocol):
    """A STUN server that answers with what a test says, to the nth request and later."""

    def __init__(self, kind: Class, attributes: dict[str, Any], deaf: int) -> None:
        self._kind, self._attributes, self._deaf = kind, attributes, deaf

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, peer: Any) -> None:
        self._deaf -= 1
        if self._deaf >= 0:
            return
        asked = parse_message(data)
        answer = Message(Method.BINDING, self._kind, asked.transaction_id, dict(self._attributes))
        self._transport.sendto(bytes(answer), peer)


@asynccontextmanager
async def answering(
    kind: Class = Class.RESPONSE, *, deaf: int = 0, **attributes: Any
) -> AsyncIterator[str]:
    known = {name.replace("_", "-"): value for name, value in attributes.items()}
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Answering(kind, known, deaf), local_addr=("127.0.0.1", 0)
    )
    try:
        yield f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def test_coturn_reports_our_address(leaks: None, coturn: CoturnFactory) -> None:
    server = await asyncio.to_thread(coturn, CoturnConfig(ipv6=True))
    for host in ("127.0.0.1", "[::1]"):
        result = await run(check_of(f"stun:{host}:{server.port}"))
        assert result.failure is None
        assert list(result.phases) == ["dns", "binding"]
        assert result.facts["reflexive"].startswith(host + ":")
        found = values(result)
        assert 0 < found[stun.RTT] < 0.5
        assert found[stun.TRANSLATED] == found[stun.RETRANSMISSIONS] == 0


async def test_an_address_that_is_not_ours_means_a_nat(leaks: None) -> None:
    async with answering(XOR_MAPPED_ADDRESS=("203.0.113.7", 4711)) as url:
        result = await run(check_of(url))
    assert values(result)[stun.TRANSLATED] == 1
    assert result.facts["reflexive"] == "203.0.113.7:4711"


async def test_an_old_servers_plain_address_is_taken_too(leaks: None) -> None:
    async with answering(MAPPED_ADDRESS=("203.0.113.7", 4711)) as url:
        assert (await run(check_of(url))).facts["reflexive"] == "203.0.113.7:4711"


async def test_a_lost_request_is_sent_again_and_counted(leaks: None) -> None:
    async with answering(deaf=1, XOR_MAPPED_ADDRESS=("203.0.113.7", 1)) as url:
        found = values(await run(check_of(url)))
    assert found[stun.RETRANSMISSIONS] == 1
    assert found[stun.RTT] >= 0.5


async def test_what_is_no_answer_is_reported(leaks: None) -> None:
    async with answering(Class.ERROR, ERROR_CODE=(500, "no")) as url:
        assert ending(await run(check_of(url))) == ("binding", "protocol_error")
    async with answering() as url:
        assert ending(await run(check_of(url))) == ("binding", "protocol_error")


async def test_silence_and_a_closed_port_are_distinguished(lab: TurnLab) -> None:
    url = lab.url("udp").partition("?")[0].replace("turn:", "stun:")
    assert (await run(check_of(url))).status is Status.OK
    lab.knobs.silent = True
    assert ending(await run(check_of(url, deadline=0.4))) == ("binding", "deadline")
    await lab.server.stop()
    assert ending(await run(check_of(url))) == ("binding", "connect_refused")


async def test_a_name_that_does_not_resolve_is_reported(leaks: None) -> None:
    result = await run(check_of("stun:no-such-host.invalid"))
    assert ending(result) == ("dns", "dns_failed")


async def test_a_run_costs_what_is_declared_at_most(leaks: None, coturn: CoturnFactory) -> None:
    server = await asyncio.to_thread(coturn, CoturnConfig())
    check, context = check_of(f"stun:127.0.0.1:{server.port}"), Context()
    result = await run(check, context)
    spent = sum(sample.value for sample in result.samples if sample.signal is BYTES)
    (use,) = check.kind.uses(check.table)
    assert 0.5 * use.amount < spent <= use.amount


VARIABLES = {
    "TURN_URLS": "stun:a:80,turn:a,stuns:a,stun:a:80 stun:c",
    "TURN_SHARED_SECRET": "s",
    "TURN_BACKUP_URLS": "stun:[::1]",
}


def test_stun_urls_among_the_turn_urls_are_checks() -> None:
    plan = make_plan(KINDS, Variables(VARIABLES), {})
    found = {check.name: check.table.target for check in plan.checks if check.kind is KIND}
    assert found == {
        "stun-primary": "stun:a:80",
        "stun-primary-2": "stun:c:3478",
        "stun-backup": "stun:[::1]:3478",
    }
    reasons = [skip.reason for skip in plan.skipped if skip.kind == "stun"]
    assert reasons == ["stuns:a: browsers ask over UDP alone"]


def test_a_stun_server_that_fails_is_no_more_than_a_warning() -> None:
    checks = [c for c in make_plan(KINDS, Variables(VARIABLES), {}).checks if c.kind is KIND]
    results = {c.name: result_of(c.name, Status.FAILED, Cause.CONNECT_REFUSED) for c in checks}
    assert judge(checks, results).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("turn:a", "must begin with stun:"),
        ("stun:", "the host is missing"),
        ("stun:a:0", "the port must be"),
        ("stun:a?transport=udp", "write stun:HOST:PORT"),
        ("stun:u@a", "write stun:HOST:PORT"),
        ("stun://a", "write stun:HOST:PORT"),
        ("stun:::1", "in brackets"),
    ],
)
def test_a_url_that_is_wrong_says_what_would_be_right(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_stun_url(url)
