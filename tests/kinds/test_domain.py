"""The end of a domain's registration, asked from a registry on this machine."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.evaluation.check_state import CheckStates
from probe.config.check_plan import CheckPlan, make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import ConfigurationError, Variables
from probe.core.kind import Check
from probe.core.model import Result, Status, Verdict
from probe.core.runner import run_check
from probe.kinds import KINDS
from tests.servers.providers.rdap import Rdap, rdap, registered

NOW = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
DAY = 86400.0
SOON = '{"events": [{"eventAction": "expiration", "eventDate": "soon"}]}'


def plan(**table: Any) -> CheckPlan:
    tables = [{"name": "domain", **table}] if table else []
    return make_plan(KINDS, Variables({}), {"domain": tables})


def check_of(server: Rdap, domain: str = "example.test", **more: Any) -> Check:
    (check,) = plan(domain=domain, bootstrap_url=f"{server.url}/dns.json", **more).checks
    return check


async def look(check: Check, context: Context | None = None) -> Result:
    return await run_check(check, context or Context(now=lambda: NOW))


def values(result: Result) -> dict[str, float]:
    return {sample.signal.name: sample.value for sample in result.samples}


def verdict(check: Check, result: Result) -> Verdict:
    states = CheckStates()
    states.set_checks([check])
    states.update(result, 0.0, NOW)
    state = states.state(check.name)
    assert state is not None
    (found,) = state.evaluations
    return found.verdict


@pytest.mark.parametrize(
    ("expires", "wanted"),
    [
        ("2031-01-01T00:00:00Z", Verdict.OK),
        ("2030-01-31T00:00:01Z", Verdict.OK),
        ("2030-01-30T12:00:00+00:00", Verdict.WARNING),
        ("2030-01-07T00:00:00", Verdict.CRITICAL),
        ("2029-12-31T00:00:00.000Z", Verdict.CRITICAL),
    ],
)
async def test_the_time_until_a_domain_expires_is_judged(expires: str, wanted: Verdict) -> None:
    async with rdap(domains={"example.test": registered(expires, "active")}) as server:
        check = check_of(server)
        result = await look(check)
    assert result.status is Status.OK
    moment = datetime.fromisoformat(expires)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert values(result)["probe_domain_expiry_seconds"] == moment.timestamp() - NOW
    assert values(result)["probe_domain_expiry_timestamp_seconds"] == moment.timestamp()
    assert result.facts["registrar"] == "Registrar of Tests"
    assert verdict(check, result) is wanted


async def test_of_a_host_the_domain_above_it_that_is_registered_is_judged() -> None:
    known = {"example.test": registered("2031-01-01T00:00:00Z")}
    async with rdap(domains=known, moved=True) as server:
        result = await look(check_of(server, "APP.eu.Example.test."))
    assert result.status is Status.OK
    assert result.facts["domain"] == "example.test"
    names = [path.rpartition("/")[2] for path in server.asked if path.startswith("/rdap/")]
    assert names == ["app.eu.example.test", "eu.example.test", "example.test"]


async def test_an_international_name_is_asked_for_in_its_ascii_form() -> None:
    known = {"xn--bcher-kva.test": registered("2031-01-01T00:00:00Z")}
    async with rdap(domains=known) as server:
        assert (await look(check_of(server, "Bücher.test"))).status is Status.OK


async def test_the_longest_entry_of_the_bootstrap_file_counts_and_is_kept_for_a_day() -> None:
    known = {"a.co.test": registered("2031-01-01T00:00:00Z")}
    async with rdap(domains=known) as server:
        server.services = [
            [["test"], ["http://127.0.0.1:1/"]],
            "nonsense",
            [["co.test", 7], ["ftp://x", f"{server.url}/rdap"]],
            [["broken"], []],
        ]
        moments = [0.0]
        context = Context(now=lambda: NOW, clock=lambda: moments[0])
        check = check_of(server, "a.co.test")
        for _ in range(2):
            assert (await look(check, context)).status is Status.OK
        assert server.asked.count("/dns.json") == 1
        moments[0] = DAY + 1
        assert (await look(check, context)).status is Status.OK
        assert server.asked.count("/dns.json") == 2


async def test_a_server_of_ones_own_needs_no_bootstrap_file() -> None:
    known = {"example.test": registered("2031-01-01T00:00:00Z")}
    async with rdap(domains=known) as server:
        check = check_of(server, rdap_url=f"{server.url}/rdap/")
        assert (await look(check)).status is Status.OK
        assert server.asked == ["/rdap/domain/example.test"]


@pytest.mark.parametrize("status", ["redemption period", "Pending Delete", "server hold"])
async def test_a_domain_that_is_taken_out_of_its_zone_fails(status: str) -> None:
    async with rdap(domains={"example.test": registered("2029-12-01T00:00:00Z", status)}) as server:
        result = await look(check_of(server))
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.FAILED, Cause.SERVICE_DOWN)
    assert status in result.failure.message


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((429, "slow down"), Cause.RATE_LIMITED),
        ((500, "oops"), Cause.HTTP_STATUS),
        ((200, "<html>"), Cause.BODY_INVALID),
        ((200, "[]"), Cause.BODY_INVALID),
        ((200, "{}"), Cause.NO_DATA),
        ((200, '{"events": [{"eventAction": "expiration"}]}'), Cause.BODY_INVALID),
        (
            (200, '{"events": [{"eventAction": "expiration", "eventDate": "soon"}]}'),
            Cause.BODY_INVALID,
        ),
        ((200, '{"events": {"a": 1}}'), Cause.NO_DATA),
        ((404, "{}"), Cause.NO_DATA),
    ],
)
async def test_a_registry_that_says_nothing_of_use_is_no_failure_of_the_domain(
    answer: tuple[int, str], cause: Cause
) -> None:
    async with rdap(answer=answer) as server:
        result = await look(check_of(server))
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, cause)


async def test_a_top_level_domain_without_rdap_says_what_to_configure() -> None:
    async with rdap(services=[[["org"], ["https://rdap.example/"]]]) as server:
        result = await look(check_of(server))
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.NO_DATA)
    assert "rdap_url" in result.failure.hint


def test_no_registry_is_asked_unless_a_domain_is_named() -> None:
    assert plan().checks == ()
    assert ("domain", "PROBE_DOMAINS is not set") in [
        (each.kind, each.reason) for each in plan().skipped
    ]
    named = make_plan(KINDS, Variables({"PROBE_DOMAINS": "Example.org, bücher.example"}), {})
    assert [(check.name, check.table.target) for check in named.checks] == [
        ("domain-example.org", "example.org"),
        ("domain-xn--bcher-kva.example", "xn--bcher-kva.example"),
    ]


@pytest.mark.parametrize(
    "name", ["localhost", "https://example.org", "192.0.2.1", "a b.org", "a..org"]
)
def test_what_is_no_domain_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        plan(domain=name)
    assert re.search("domain", str(error.value))
    with pytest.raises(ConfigurationError) as error:
        make_plan(KINDS, Variables({"PROBE_DOMAINS": name}), {})
    assert "PROBE_DOMAINS" in str(error.value)
