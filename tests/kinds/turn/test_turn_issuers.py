"""Servers and credentials from Cloudflare, Twilio, Xirsys and endpoints by the REST draft."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probe.core.context import Context
from probe.core.environment import Variables, read_environment
from probe.core.kind import Check, Kind
from probe.core.model import Status
from probe.kinds import allocation, call, turn
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.issuers import ISSUERS
from probe.turn_targets.issuers.client import KEPT_SECONDS, PAUSE_SECONDS
from tests.clocks import Clock
from tests.servers.issuers import ACCOUNT, CHANNEL, KEY, Issuers, issuers
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab, ending, run, turn_lab

WRONG_TYPES = '{"iceServers": 3, "ice_servers": "x", "s": "ok", "v": 1, "uris": {}, "ttl": 1}'
NAMES = ("cloudflare", "twilio", "xirsys", "turn-rest")


def variables(name: str, url: str, key: str = KEY) -> dict[str, str]:
    """What the operator of an account sets."""
    return {
        "cloudflare": {
            "CLOUDFLARE_TURN_KEY_ID": ACCOUNT,
            "CLOUDFLARE_TURN_API_TOKEN": key,
            "CLOUDFLARE_TURN_URL": url,
        },
        "twilio": {
            "TWILIO_TURN_ACCOUNT_SID": ACCOUNT,
            "TWILIO_TURN_AUTH_TOKEN": key,
            "TWILIO_TURN_URL": url,
        },
        "xirsys": {
            "XIRSYS_IDENT": ACCOUNT,
            "XIRSYS_SECRET": key,
            "XIRSYS_CHANNEL": CHANNEL,
            "XIRSYS_URL": url,
        },
        "turn-rest": {"TURN_REST_URL": f"{url}/turn", "TURN_REST_KEY": key},
    }[name]


class Account:
    """A relay, and the APIs that give credentials for it."""

    def __init__(self, relay: TurnLab, api: Issuers) -> None:
        self.relay, self.api = relay, api
        api.urls = [*relay.server.urls()]
        api.username, api.credential = USERNAME, PASSWORD

    def checks(
        self,
        name: str,
        kind: Kind[Any, Any] = allocation.KIND,
        changes: Mapping[str, str] | None = None,
    ) -> dict[str, Check]:
        known = {**variables(name, self.api.url), "PROBE_CA_FILE": str(self.relay.ca_file)}
        given = Variables({**known, **(changes or {})})
        found = kind.derive(read_environment(kind.environment, given))
        return {
            raw["name"]: Check(
                kind, kind.table.model_validate({**found.defaults, **raw, "deadline": 8})
            )
            for raw in found.tables
            if raw["name"] != "call-direct"
        }

    def check(
        self,
        name: str,
        kind: Kind[Any, Any] = allocation.KIND,
        changes: Mapping[str, str] | None = None,
    ) -> Check:
        return next(iter(self.checks(name, kind, changes).values()))


@pytest.fixture
async def account(leaks: None, tmp_path: Path) -> AsyncIterator[Account]:
    async with turn_lab(tmp_path) as relay, issuers() as api:
        yield Account(relay, api)


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
async def test_an_answer_that_is_none_says_whose_fault_it_is(
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


async def test_expired_credentials_are_asked_for_anew(account: Account) -> None:
    account.api.credential = "old"
    context, check = Context(), account.check("cloudflare")
    assert ending(await run(check, context)) == ("allocate", "auth_rejected")
    account.api.credential = PASSWORD
    assert (await run(check, context)).status is Status.OK


async def test_a_short_lifetime_is_never_outlived(account: Account) -> None:
    clock = Clock()
    context, check = Context(clock=clock), account.check("turn-rest")
    account.api.ttl = 100
    for passing in (0.0, 49.0, 2.0):
        clock.pass_(passing)
        assert (await run(check, context)).status is Status.OK
    assert len(account.api.asked) == 2
    account.api.ttl = 86400
    clock.pass_(51.0)
    for passing in (0.0, KEPT_SECONDS - 1, 2.0):
        clock.pass_(passing)
        await run(check, context)
    assert len(account.api.asked) == 4


@pytest.mark.parametrize(("header", "pause"), [({}, PAUSE_SECONDS), ({"Retry-After": "7"}, 7.0)])
async def test_an_api_that_has_had_enough_is_left_alone(
    account: Account, header: dict[str, str], pause: float
) -> None:
    clock = Clock()
    context, check = Context(clock=clock), account.check("xirsys")
    account.api.answer = (429, "{}", header)
    for _ in range(2):
        result = await run(check, context)
        assert (result.status, ending(result)) == (
            Status.UNKNOWN,
            ("credentials", "rate_limited"),
        )
    assert len(account.api.asked) == 1
    clock.pass_(pause)
    account.api.answer = None
    assert (await run(check, context)).status is Status.OK


async def test_an_api_that_hangs_says_nothing_of_the_relays(account: Account) -> None:
    account.api.hangs = True
    check = account.check("twilio")
    table = check.table.model_copy(update={"deadline": 0.6})
    result = await run(Check(check.kind, table))
    assert (result.status, ending(result)) == (Status.UNKNOWN, ("credentials", "deadline"))


async def test_a_port_that_browsers_never_ask_is_passed_over_where_there_is_another(
    account: Account,
) -> None:
    account.api.urls = ["turn:127.0.0.1:53?transport=udp", *account.relay.server.urls()]
    result = await run(account.check("cloudflare"))
    assert result.failure is None
    assert result.facts["issued"] == account.relay.url("udp")


async def test_an_api_key_of_an_account_logs_in_as_itself(account: Account) -> None:
    check = account.check("twilio", changes={"TWILIO_TURN_AUTH_TOKEN": f"SK1:{KEY}"})
    assert (await run(check)).status is Status.OK


@pytest.mark.parametrize("name", NAMES)
async def test_the_key_shows_in_no_result_no_table_and_no_log(
    account: Account, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    check = account.check(name)
    results = [await run(check)]
    account.api.answer = (500, f"oops {KEY}")
    results.append(await run(check))
    logged = [each.getMessage() for each in caplog.records if each.name != "aiohttp.access"]
    seen = repr((check, check.table.target, check.table.labels, results, logged))
    assert KEY not in seen
    assert PASSWORD not in seen


def test_without_variables_there_is_no_check_and_no_word_of_issuers() -> None:
    found = turn.derive(read_environment(TurnEnvironment, Variables({})))
    assert [*found.tables] == []
    assert not [each for each in found.skipped if "Cloudflare" in each or "Twilio" in each]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"CLOUDFLARE_TURN_API_TOKEN": "k"}, "CLOUDFLARE_TURN_KEY_ID"),
        ({"TWILIO_TURN_ACCOUNT_SID": "k"}, "TWILIO_TURN_AUTH_TOKEN"),
        ({"XIRSYS_IDENT": "i", "XIRSYS_SECRET": "k"}, "XIRSYS_CHANNEL"),
        ({"TURN_REST_KEY": "k"}, "TURN_REST_URL"),
    ],
)
def test_half_of_an_account_is_skipped_and_says_what_is_missing(
    given: dict[str, str], missing: str
) -> None:
    found = turn.derive(read_environment(TurnEnvironment, Variables(given)))
    assert [*found.tables] == []
    assert [each for each in found.skipped if each.startswith(f"{missing} is not set (")]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"issuer": "cloudflare"}, 'issuer = "cloudflare" needs account and api_key'),
        ({"issuer": "turn-rest", "api_key": "k"}, 'issuer = "turn-rest" needs issuer_url'),
        ({"issuer": "twilio", "url": "turn:a"}, "set either url or backend_url or metered_url or"),
        ({"issuer": "acme"}, "Input should be"),
    ],
)
def test_a_table_that_does_not_fit_its_issuer_says_what_is_missing(
    table: dict[str, str], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        turn.TurnTable.model_validate({"name": "a", **table})


def test_a_provider_with_an_api_is_a_backup_and_an_endpoint_of_the_application_is_none() -> None:
    tables = {
        name: turn.TurnTable.model_validate(
            {"name": name, "issuer": name, "account": "a", "channel": "c", "api_key": "k"}
            | ({"issuer_url": "https://api.example.org"} if name == "turn-rest" else {})
        )
        for name in NAMES
    }
    assert {name: table.redundancy_group for name, table in tables.items()} == {
        "cloudflare": "turn",
        "twilio": "turn",
        "xirsys": "turn",
        "turn-rest": "turn-issued",
    }
    assert tables["cloudflare"].target == "https://rtc.live.cloudflare.com"
    assert tables["turn-rest"].alert_group == "api.example.org"
