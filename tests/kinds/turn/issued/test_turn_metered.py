"""Servers and credentials from Metered's REST API, by every way in; the key shows nowhere."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from probe.core.context import Context
from probe.core.environment import Variables, read_environment
from probe.core.kind import Check, Kind
from probe.core.model import Result, Status
from probe.kinds import allocation, call, turn
from probe.stun.uri import parse_turn_url
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.issuers.client import KEPT_SECONDS
from tests.clocks import Clock
from tests.servers.providers.metered import API_KEY, Metered, metered
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, ending, run, turn_lab

KINDS = [allocation.KIND, turn.KIND, call.KIND]


class Account:
    """A relay, and the API that gives credentials for it."""

    def __init__(self, relay: TurnLab, api: Metered) -> None:
        self.relay, self.api = relay, api
        self.give(*relay.server.urls())

    def give(self, *urls: str, **changes: Any) -> None:
        login = {"username": USERNAME, "credential": PASSWORD}
        self.api.servers = [
            {"urls": "stun:stun.relay.metered.ca:80"},
            *({"urls": url, **login, **changes} for url in urls),
        ]

    def check(self, kind: Kind[Any, Any] = turn.KIND, way: str = "udp", **variables: str) -> Check:
        known = {"METERED_URL": self.api.url, "METERED_API_KEY": API_KEY}
        known["PROBE_CA_FILE"] = str(self.relay.ca_file)
        found = kind.derive(read_environment(kind.environment, Variables({**known, **variables})))
        (raw,) = [each for each in found.tables if each["name"].endswith(f"-metered-{way}")]
        return Check(kind, kind.table.model_validate({**found.defaults, **raw, "deadline": 4}))


@pytest.fixture
async def account(leaks: None, tmp_path: Path) -> AsyncIterator[Account]:
    async with turn_lab(tmp_path) as relay, metered() as api:
        yield Account(relay, api)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "kind", [allocation.KIND, turn.KIND, call.KIND], ids=lambda kind: kind.name
)
async def test_what_the_api_names_is_measured_by_each_way_in(
    account: Account, kind: Kind[Any, Any], way: str
) -> None:
    check, context = account.check(kind, way), Context()
    result = await run(check, context)
    assert result.failure is None
    assert list(result.phases)[:1] == ["credentials"]
    assert check.table.labels["provider"] == "metered"
    assert check.table.labels["transport"] == way
    assert parse_turn_url(result.facts["issued"]).kind == way
    assert await account.relay.is_clean(context)


async def test_checks_share_an_answer_for_a_quarter_of_an_hour(account: Account) -> None:
    clock = Clock()
    context = Context(clock=clock)
    checks = [account.check(allocation.KIND, way) for way in WAYS]
    for _ in range(2):
        await asyncio.gather(*(run(check, context) for check in checks))
    assert account.api.asked == [{"apiKey": API_KEY}]
    clock.pass_(KEPT_SECONDS)
    await run(checks[0], context)
    assert len(account.api.asked) == 2


async def test_refused_credentials_are_requested_again(account: Account) -> None:
    context, check = Context(), account.check(allocation.KIND)
    account.give(*account.relay.server.urls(), credential="old")
    assert ending(await run(check, context)) == ("allocate", "auth_rejected")
    account.give(*account.relay.server.urls())
    assert (await run(check, context)).status is Status.OK


@pytest.mark.parametrize(
    ("answer", "status", "ends"),
    [
        ((401, '{"message": "Invalid API Key"}'), Status.UNKNOWN, "auth_rejected"),
        ((400, '{"message": "API Key is required"}'), Status.UNKNOWN, "http_status"),
        ((429, "{}"), Status.UNKNOWN, "rate_limited"),
        ((302, ""), Status.UNKNOWN, "http_status"),
        ((500, "oops"), Status.UNKNOWN, "http_status"),
        ((200, "no json"), Status.FAILED, "body_invalid"),
        ((200, "{}"), Status.FAILED, "body_invalid"),
        ((200, "[1]"), Status.FAILED, "body_invalid"),
        ((200, '[{"username": "u"}]'), Status.FAILED, "body_invalid"),
        ((200, '[{"urls": ["turn:a:x"]}]'), Status.FAILED, "body_invalid"),
        ((200, '[{"urls": "turn:a"}]'), Status.FAILED, "credentials_missing"),
        ((200, '[{"urls": "stun:a"}]'), Status.FAILED, "credentials_missing"),
        ((200, "[]"), Status.FAILED, "credentials_missing"),
    ],
)
async def test_an_api_that_says_no_is_no_relay_that_fails(
    account: Account, answer: tuple[int, str], status: Status, ends: str
) -> None:
    account.api.answer = answer
    result = await run(account.check())
    assert (result.status, ending(result)) == (status, ("credentials", ends))


async def test_an_api_that_hangs_says_nothing_of_the_relays(account: Account) -> None:
    account.api.hangs = True
    check = account.check()
    table = check.table.model_copy(update={"deadline": 0.6})
    result = await run(Check(turn.KIND, table))
    assert (result.status, ending(result)) == (Status.UNKNOWN, ("credentials", "deadline"))


async def test_a_way_in_that_is_not_offered_is_not_measured(account: Account) -> None:
    account.give(account.relay.url("udp"))
    result: Result = await run(account.check(way="tls"))
    assert (result.status, ending(result)) == (Status.UNKNOWN, ("credentials", "no_data"))


async def test_the_key_shows_in_no_result_no_table_and_no_log(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    check = account.check()
    results = [await run(check)]
    account.api.answer = (500, "oops")
    results.append(await run(check))
    await account.relay.server.stop()
    results.append(await run(account.check(METERED_URL="http://127.0.0.1:1")))
    # The server's own log of requests is Metered's, not ours.
    logged = [each.getMessage() for each in caplog.records if each.name != "aiohttp.access"]
    seen = repr((check, check.table.target, check.table.labels, results, logged))
    assert API_KEY not in seen
    assert PASSWORD not in seen
    assert API_KEY not in json.dumps([result.facts for result in results], default=str)


def derived(**variables: str) -> tuple[list[str], list[str]]:
    found = turn.derive(read_environment(TurnEnvironment, Variables(variables)))
    return [table["name"] for table in found.tables], list(found.skipped)


def test_the_app_alone_says_where_the_api_is() -> None:
    found = turn.derive(
        read_environment(
            TurnEnvironment, Variables({"METERED_APP": "paircam", "METERED_API_KEY": "k"})
        )
    )
    targets = {
        turn.TurnTable.model_validate({**found.defaults, **table}).target for table in found.tables
    }
    assert targets == {"https://paircam.metered.live/api/v1/turn/credentials"}


def test_half_of_an_account_is_skipped_and_says_what_is_missing() -> None:
    names, skipped = derived(METERED_API_KEY="k")
    assert names == []
    assert "METERED_APP is not set (credentials from Metered)" in skipped
    names, skipped = derived(METERED_APP="paircam")
    assert names == []
    assert "METERED_API_KEY is not set (credentials from Metered)" in skipped
