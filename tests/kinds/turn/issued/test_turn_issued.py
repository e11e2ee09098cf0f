"""What the backend issues is measured as a browser would use it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alerts.evaluation.verdict import verdict_on
from probe.core.model import Result, Status, Verdict
from probe.kinds.turn import signals
from tests.servers.signaling import SECRET, SignalingServer, signaling_server
from tests.turn.turn_lab import (
    PASSWORD,
    USERNAME,
    TurnLab,
    ending,
    run,
    turn_check,
    turn_lab,
    values,
)


class Issuing:
    """A relay, and a backend that issues credentials for it."""

    def __init__(self, relay: TurnLab, backend: SignalingServer) -> None:
        self.relay, self._backend = relay, backend

    def issue(self, *urls: str, username: str = USERNAME, credential: str = PASSWORD) -> None:
        answer = {"urls": urls, "username": username, "credential": credential, "ttl": 3600}
        self._backend.credentials = lambda: web.json_response(answer, status=201)

    async def look(self, **table: Any) -> Result:
        login = {"backend_url": self._backend.url, "jwt_secret": SECRET}
        return await run(
            turn_check(provider="issued", ca_file=self.relay.ca_file, **login, **table)
        )


@pytest.fixture
async def issuing(leaks: None, tmp_path: Path) -> AsyncIterator[Issuing]:
    async with turn_lab(tmp_path) as relay, signaling_server() as backend:
        yield Issuing(relay, backend)


async def test_the_first_choice_of_a_browser_is_measured_and_the_others_allocate(
    issuing: Issuing,
) -> None:
    tls, tcp, udp = reversed(issuing.relay.server.urls())
    issuing.issue("stun:127.0.0.1:3478", tls, tcp, udp)
    result = await issuing.look()
    assert result.status is Status.OK
    assert result.facts["server"] == f"127.0.0.1:{issuing.relay.server.udp_port}"
    assert result.facts["issued"].split(", ") == issuing.relay.server.urls()
    assert list(result.phases)[:2] == ["token", "credentials"]
    assert list(result.phases)[-1] == "others"
    assert values(result)[signals.LOSS] == 0


@pytest.mark.parametrize(
    ("login", "cause"),
    [
        ({"username": ""}, "credentials_missing"),
        ({"credential": ""}, "credentials_missing"),
        ({"username": "u" * 510}, "body_invalid"),
        ({"username": "\u00fc" * 255}, "body_invalid"),
    ],
)
async def test_credentials_for_which_browsers_throw_are_an_outage(
    issuing: Issuing, login: dict[str, str], cause: str
) -> None:
    issuing.issue(issuing.relay.url("udp"), **login)
    result = await issuing.look()
    assert (result.status, ending(result)) == (Status.FAILED, ("credentials", cause))


async def test_a_failure_names_the_url_that_failed(issuing: Issuing) -> None:
    gone = "turn:127.0.0.1:1?transport=tcp"
    issuing.issue(issuing.relay.url("udp"), gone)
    result = await issuing.look()
    assert result.failure is not None
    assert ending(result) == ("connect", "some_urls_failed")
    reason = "nothing listens at 127.0.0.1:1"
    assert result.failure.message == f"{gone}: {reason}; 1 of 2 URLs work"
    assert result.facts[gone] == reason
    assert signals.RELAY_RTT in values(result)


@pytest.fixture
async def silent_port(leaks: None) -> AsyncIterator[int]:
    """A UDP port that answers nothing."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    yield int(transport.get_extra_info("sockname")[1])
    transport.close()


@pytest.mark.parametrize("silent", [False, True])
async def test_users_fall_back_where_the_first_choice_fails(
    issuing: Issuing, silent_port: int, *, silent: bool
) -> None:
    first = f"turn:127.0.0.1:{silent_port if silent else 1}?transport=udp"
    issuing.issue(first, issuing.relay.url("tcp"), issuing.relay.url("tls"))
    result = await issuing.look(deadline=4)
    assert ending(result) == ("allocate", "some_urls_failed")
    assert result.failure is not None
    assert "2 of 3 URLs work" in result.failure.message
    assert result.facts[issuing.relay.url("tcp")] == "works"
    assert values(result)[signals.LOSS] == 0
    assert verdict_on(turn_check(url="turn:h"), result, [], backed_up=False) is Verdict.WARNING


async def test_the_first_choice_fails_by_name_too(issuing: Issuing) -> None:
    issuing.issue(issuing.relay.url("udp"), credential="wrong")
    result = await issuing.look()
    assert ending(result) == ("allocate", "auth_rejected")
    assert result.failure is not None
    assert issuing.relay.url("udp") in result.failure.message


@pytest.mark.parametrize("ways", [("udp",), ("udp", "tcp")])
async def test_silence_is_reported_by_name_before_the_deadline(
    issuing: Issuing, ways: tuple[str, ...]
) -> None:
    issuing.issue(*(issuing.relay.url(way) for way in ways))
    issuing.relay.knobs.silent = True
    result = await issuing.look(deadline=1)
    assert ending(result) == ("allocate", "deadline")
    assert result.failure is not None
    assert result.failure.message.startswith(f"{issuing.relay.url('udp')}: no answer within 0.")


@pytest.mark.parametrize(
    ("urls", "cause"),
    [
        (["turn:a:99999"], "body_invalid"),
        (["turn:a", "stun:a?transport=udp"], "body_invalid"),
        (["turn:a", "stun://a:3478"], "body_invalid"),
        (["turn:a?Transport=udp", "turn:a"], "body_invalid"),
        (["stun:a"], "credentials_missing"),
        ([], "credentials_missing"),
    ],
)
async def test_what_no_browser_could_use_is_the_backends_failure(
    issuing: Issuing, urls: list[str], cause: str
) -> None:
    issuing.issue(*urls)
    assert ending(await issuing.look()) == ("credentials", cause)
