"""The peer check against answering sides of this machine, and against doors that misbehave.

What only shows between two places is in ``tests/fleet``.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aioice.ice import get_host_addresses

from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.ice.candidate import MAX_BODY, OfferCandidate, SessionDescription, read, write
from probe.kinds.peer import KIND
from probe.peer.call import OutgoingCall, RemoteCallEndpoint
from tests.kinds.peer.peer_apis import TOKEN, Handler, Hanging, call, door, peer_check, real_door
from tests.turn.turn_lab import PASSWORD, USERNAME, turn_lab


def ending(result: Result) -> tuple[Status, str, str]:
    assert result.failure is not None, result
    return result.status, result.failure.phase, result.failure.cause


def signals(result: Result) -> set[str]:
    return {sample.signal.name for sample in result.samples}


OF_PLACES = {
    "probe_turn_fallback_ratio",
    "probe_ice_success_ratio",
    "probe_peer_added_latency_seconds",
}


async def test_a_peer_on_this_machine_is_called_and_says_nothing_of_places(leaks: None) -> None:
    async with real_door(Context()) as url:
        result = await call(url)
    assert result.failure is None, result.failure
    assert {"probe_peer_open_seconds", "probe_peer_rtt_seconds"} <= signals(result)
    assert not signals(result) & OF_PLACES
    assert result.facts["elsewhere"].startswith("no")
    assert ", fra, 0.1.0" in result.facts["peer"]


async def test_a_probe_that_calls_itself_measures_nothing(leaks: None) -> None:
    context = Context()
    async with real_door(context) as url:
        result = await call(url, context)
    assert result.failure is None
    assert result.facts["peer"].startswith("this probe itself")
    assert signals(result) == {"probe_success", "probe_duration_seconds"}


async def test_a_name_stands_for_addresses_that_are_called_in_turn(leaks: None) -> None:
    async with real_door(Context()) as url:
        port = url.rpartition(":")[2]
        result = await call(f"localhost:{port}")
    assert result.failure is None, result.failure
    assert result.facts["peer"] == f"127.0.0.1:{port}, fra, 0.1.0"


async def test_private_addresses_may_be_left_out(leaks: None) -> None:
    """Where this machine has a public one there is a call all the same."""
    async with real_door(Context()) as url:
        result = await call(url, private=False)
    public = [ip for ip in get_host_addresses(True, True) if ip_address(ip).is_global]
    if not public:
        assert ending(result) == (Status.UNKNOWN, "direct_gathering", "no_candidate")


async def test_a_relay_on_this_very_machine_says_nothing_of_elsewhere(
    leaks: None, tmp_path: Path
) -> None:
    async with turn_lab(tmp_path) as lab, real_door(Context()) as url:
        server: dict[str, Any] = {"url": lab.url("udp"), "username": USERNAME, "password": PASSWORD}
        result = await call(url, **server)
    assert ending(result) == (Status.UNKNOWN, "relayed_gathering", "no_candidate")


async def test_a_wrong_relay_password_is_the_relays_failure(leaks: None, tmp_path: Path) -> None:
    async with turn_lab(tmp_path) as lab, real_door(Context()) as url:
        server: dict[str, Any] = {"url": lab.url("udp"), "username": USERNAME, "password": "wrong"}
        result = await call(url, **server)
    assert ending(result) == (Status.FAILED, "relayed_gathering", "auth_rejected")


async def test_another_token_is_reported_and_shown_nowhere(leaks: None) -> None:
    async with real_door(Context(), token="quite-an0ther-t0ken") as url:
        result = await call(url)
    assert ending(result) == (Status.UNKNOWN, "direct_offer", "auth_rejected")
    assert result.failure is not None
    assert "PROBE_PEER_TOKEN" in result.failure.hint
    assert TOKEN not in repr(result)


async def test_a_peer_that_is_not_there_is_unknown(leaks: None) -> None:
    result = await call("http://127.0.0.1:1")
    assert ending(result) == (Status.UNKNOWN, "direct_offer", "connect_refused")


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_a_peer_whose_name_is_gone_is_unknown(leaks: None, scheme: str) -> None:
    result = await call(f"{scheme}probe-gone.invalid")
    assert (result.status, ending(result)[2]) == (Status.UNKNOWN, "dns_failed")


def says(status: int, text: str, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return handler


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def stays_silent(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "cause", "words"),
    [
        (says(200, "<html>"), "body_invalid", "not JSON"),
        (says(200, "[" * 5000), "body_invalid", "not JSON"),
        (says(200, "{}"), "body_invalid", "no schema"),
        (says(200, '{"schema": 1}'), "body_invalid", "candidates"),
        (says(200, "x" * (MAX_BODY + 1)), "body_too_large", str(MAX_BODY)),
        (says(200, '{"schema": 2, "version": "9.0"}'), "version_mismatch", "version 9.0"),
        (says(409, "it uses schema 1, this probe 2"), "version_mismatch", "schema 1"),
        (
            says(409, '{"status": 409, "detail": "it uses schema 1, this probe 2"}'),
            "version_mismatch",
            ": it uses schema 1",
        ),
        (says(400, "what?"), "version_mismatch", "400"),
        (says(404, ""), "http_status", "takes no calls"),
        (says(503, ""), "http_status", "503"),
        (says(302, "", Location="http://127.0.0.1:1/"), "http_status", "302"),
        (says(429, "", **{"Retry-After": "7"}), "rate_limited", "after 7 s"),
        (hangs_up, "connection_closed", "closed"),
        (stays_silent, "deadline", "does not answer the offer within 1 s"),
    ],
)
async def test_a_peer_that_can_not_be_asked_is_unknown_with_its_reason(
    leaks: None, handler: Handler, cause: str, words: str
) -> None:
    async with door(handler) as url:
        result = await call(url, deadline=6)
    assert ending(result) == (Status.UNKNOWN, "direct_offer", cause)
    assert result.failure is not None
    assert words in result.failure.message
    assert not signals(result) & OF_PLACES


async def test_a_silent_peer_is_unknown_under_a_shorter_deadline_too(leaks: None) -> None:
    context = Context()
    async with door(stays_silent) as url:
        result = await run_check(peer_check(url), context, deadline=2.0)
    assert ending(result) == (Status.UNKNOWN, "direct_offer", "deadline")
    assert await context.closing.drain(timeout=20) == 0


async def test_a_peer_that_names_private_addresses_alone_says_nothing(
    leaks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(_: OutgoingCall, described: SessionDescription) -> SessionDescription:
        # This machine may have private addresses alone too, and would then call nobody.
        return described.in_public if described.instance == "another" else described

    monkeypatch.setattr(OutgoingCall, "_seen", seen)

    async def hides(request: web.Request) -> web.Response:
        place = OfferCandidate(type="host", address="fdaa::5", port=5000, priority=1)
        answer = read(await request.read()).model_copy(
            update={"instance": "another", "machine": "another", "candidates": (place,)}
        )
        return web.Response(body=write(answer))

    async with door(hides) as url:
        result = await call(url, private=False)
    assert ending(result) == (Status.UNKNOWN, "direct_offer", "no_candidate")
    assert not signals(result) & OF_PLACES


async def nothing(_: RemoteCallEndpoint) -> None:
    """Hang up right after the answer."""


async def ice_alone(end: RemoteCallEndpoint) -> None:
    """Hang up when the handshake begins."""
    await end.peer.connect_ice()


@pytest.mark.parametrize(
    ("rest", "phase", "cause"),
    [(nothing, "direct_ice", "ice_failed"), (ice_alone, "direct_dtls", "dtls_failed")],
)
async def test_a_peer_that_hangs_up_in_the_middle_fails_where_it_did(
    leaks: None, rest: Callable[[RemoteCallEndpoint], Any], phase: str, cause: str
) -> None:
    hanging = Hanging(rest)
    async with door(hanging.handle) as url:
        result = await call(url, deadline=8)
    await hanging.drain()
    assert ending(result) == (Status.FAILED, phase, cause)


async def test_a_run_that_is_cut_off_in_mid_call_leaves_nothing(leaks: None) -> None:
    async with real_door(Context()) as url:
        result = await call(url, deadline=2, echoes=1000)
    assert ending(result) == (Status.UNKNOWN, "direct_echo", "deadline")


def plan_of(**variables: str) -> dict[str, Any]:
    plan = make_plan([KIND], Variables(variables), {})
    return {check.name: check for check in plan.checks}


def test_each_peer_is_called_through_the_first_server_of_each_provider() -> None:
    plan = plan_of(
        PROBE_PEERS="paircam-probe.internal, https://lax.example.org [fd00::1]:9000",
        PROBE_PEER_TOKEN=TOKEN,
        TURN_URLS="stun:s.example.org turn:t.example.org turns:t.example.org",
        TURN_USERNAME="a",
        TURN_PASSWORD="b",
        TURN_BACKUP_URLS="turn:b.example.org?transport=tcp",
    )
    assert [*plan] == [
        f"peer-{host}-{provider}"
        for host in ("paircam-probe.internal", "lax.example.org", "fd00-1-9000")
        for provider in ("primary", "backup")
    ]
    first = plan["peer-paircam-probe.internal-primary"].table
    assert first.target == "paircam-probe.internal:9091"
    # One network joins all of them, and over it every call connects.
    assert not first.offers_private_addresses
    assert plan["peer-lax.example.org-primary"].table.offers_private_addresses
    assert (str(first.url), first.stun.host) == (
        "turn:t.example.org:3478?transport=udp",
        "s.example.org",
    )
    assert plan["peer-fd00-1-9000-backup"].table.base_url == "http://[fd00::1]:9000"


def test_without_a_relay_a_peer_is_called_directly_alone() -> None:
    plan = plan_of(PROBE_PEERS="http://10.0.0.1:9091", PROBE_PEER_TOKEN=TOKEN)
    assert [*plan] == ["peer-10.0.0.1"]
    assert plan["peer-10.0.0.1"].table.labels["provider"] == "none"


def test_without_peers_no_one_is_called() -> None:
    plan = make_plan([KIND], Variables({"PROBE_PEER_TOKEN": TOKEN}), {})
    assert [skipped.reason for skipped in plan.skipped] == ["PROBE_PEERS is not set"]


def test_shares_that_the_application_counts_are_held_against_the_limits_first() -> None:
    from probe.core.thresholds import thresholds_of

    mine = {"PROBE_PEERS": "http://10.0.0.1:9091", "PROBE_PEER_TOKEN": TOKEN}
    alone = plan_of(**mine)["peer-10.0.0.1"]
    beside = plan_of(**mine, APP_METRICS_URL="https://example.org/metrics")["peer-10.0.0.1"]
    assert len(thresholds_of(alone)) == 2
    assert thresholds_of(beside) == ()
