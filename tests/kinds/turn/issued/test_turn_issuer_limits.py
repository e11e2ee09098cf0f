"""Lifetimes, limits and settings of issued credentials."""

import logging

import pytest
from pydantic import ValidationError

from probe.core.context import Context
from probe.core.environment import Variables, read_environment
from probe.core.kind import Check
from probe.core.model import Status
from probe.kinds import turn
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.issuers.client import KEPT_SECONDS, PAUSE_SECONDS
from tests.clocks import Clock
from tests.kinds.turn.issued.issuer_account import NAMES, Account
from tests.servers.providers.issuers import KEY
from tests.turn.turn_lab import PASSWORD, ending, run


async def test_expired_credentials_are_requested_again(account: Account) -> None:
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
