"""Servers and credentials from Cloudflare, Twilio, Xirsys and endpoints by the REST draft."""

import asyncio
from typing import Any

import pytest

from probe.core.context import Context
from probe.core.kind import Kind
from probe.core.model import Status
from probe.kinds import call, turn
from probe.turn_targets.issuers import ISSUERS
from tests.kinds.turn.issued.issuer_account import NAMES, WRONG_TYPES, Account, variables
from tests.turn.turn_lab import ending, run


@pytest.mark.parametrize("name", NAMES)
async def test_what_an_issuer_names_is_measured_by_each_way_in(account: Account, name: str) -> None:
    checks, context = account.checks(name), Context()
    ways = ISSUERS[name].ways
    expected = [f"allocation-{name}-{way}" for way in ways] if ways else [f"allocation-{name}"]
    assert list(checks) == expected
    results = await asyncio.gather(*(run(check, context) for check in checks.values()))
    assert [result.failure for result in results] == [None] * len(checks)
    assert len(account.api.asked) == 1  # they share an answer
    assert {check.table.labels["provider"] for check in checks.values()} == {name}
    assert await account.relay.is_clean(context)


@pytest.mark.parametrize("kind", [turn.KIND, call.KIND], ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["cloudflare", "turn-rest"])
async def test_echoes_and_calls_use_what_is_issued(
    account: Account, name: str, kind: Kind[Any, Any]
) -> None:
    context, check = Context(), account.check(name, kind)
    result = await run(check, context)
    assert result.failure is None
    assert next(iter(result.phases)) == "credentials"
    assert await account.relay.is_clean(context)


async def test_an_applications_own_endpoint_is_checked_as_browsers_use_its_list(
    account: Account,
) -> None:
    check = account.check("turn-rest", turn.KIND)
    assert check.table.labels == {"provider": "turn-rest", "transport": "all"}
    account.api.urls = [account.relay.url("udp"), "turn:127.0.0.1:9?transport=tcp"]
    result = await run(check)
    assert result.failure is not None
    assert result.failure.cause.value == "some_urls_failed"


@pytest.mark.parametrize("name", NAMES)
async def test_a_wrong_key_is_no_relay_that_fails_and_names_the_setting(
    account: Account, name: str
) -> None:
    wrong = variables(name, account.api.url, key="wr0ng-secret-key")
    result = await run(account.check(name, changes=wrong))
    assert (result.status, ending(result)) == (Status.UNKNOWN, ("credentials", "auth_rejected"))
    assert result.failure is not None
    assert result.failure.hint == ISSUERS[name].remedy


@pytest.mark.parametrize(
    ("answer", "status", "ends"),
    [
        ((401, "{}"), Status.UNKNOWN, "auth_rejected"),
        ((403, "{}"), Status.UNKNOWN, "auth_rejected"),
        ((404, "{}"), Status.UNKNOWN, "http_status"),
        ((429, "{}"), Status.UNKNOWN, "rate_limited"),
        ((302, ""), Status.UNKNOWN, "http_status"),
        ((500, "oops"), Status.UNKNOWN, "http_status"),
        ((503, "<html>"), Status.UNKNOWN, "http_status"),
        ((200, ""), Status.FAILED, "body_invalid"),
        ((200, "<html>"), Status.FAILED, "body_invalid"),
        ((200, "null"), Status.FAILED, "body_invalid"),
        ((200, "[]"), Status.FAILED, "body_invalid"),
        ((200, "{}"), Status.FAILED, "body_invalid"),
        ((200, WRONG_TYPES), Status.FAILED, "body_invalid"),
        ((200, "[" * 5000), Status.FAILED, "body_invalid"),
        ((200, " " * (1 << 17)), Status.UNKNOWN, "body_too_large"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
async def test_an_invalid_answer_is_attributed_to_its_source(
    account: Account, name: str, answer: tuple[int, str], status: Status, ends: str
) -> None:
    account.api.answer = answer
    result = await run(account.check(name))
    assert (result.status, ending(result)) == (status, ("credentials", ends))


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_list_is_an_outage_of_what_users_get(account: Account, name: str) -> None:
    account.api.urls = []
    result = await run(account.check(name))
    assert (result.status, ending(result)) == (
        Status.FAILED,
        ("credentials", "credentials_missing"),
    )


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"urls": ["turn:relay.example.org?transport=UDP2"]}, "body_invalid"),
        ({"urls": ["turn:user@relay.example.org"]}, "body_invalid"),
        ({"urls": ["stun:relay.example.org?transport=udp"]}, "body_invalid"),
        ({"credential": ""}, "credentials_missing"),
        ({"username": "u" * 510}, "body_invalid"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
async def test_a_list_that_browsers_throw_for_is_an_outage(
    account: Account, name: str, changes: dict[str, Any], ends: str
) -> None:
    for key, value in changes.items():
        setattr(account.api, key, value)
    result = await run(account.check(name))
    assert (result.status, ending(result)) == (Status.FAILED, ("credentials", ends))


@pytest.mark.parametrize("name", ["twilio", "turn-rest"])
@pytest.mark.parametrize("ttl", [0, -5])
async def test_credentials_that_have_expired_when_they_come_are_an_outage(
    account: Account, name: str, ttl: int
) -> None:
    account.api.answer = (
        200,
        f'{{"ttl": {ttl}, "uris": ["turn:a"], "username": "u", "password": "p", "ice_servers":'
        f' [{{"urls": "turn:a", "username": "u", "credential": "p"}}]}}',
    )
    result = await run(account.check(name))
    assert (result.status, ending(result)) == (
        Status.FAILED,
        ("credentials", "credentials_expired"),
    )
