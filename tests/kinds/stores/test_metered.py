"""The metered check: what the account says, what lies ahead, and what is no answer at all."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import ConfigurationError, Variables, read_environment
from probe.core.kind import Check
from probe.core.model import CheckAborted, Result, Status, Verdict
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from probe.kinds.metered import FORECAST, KIND, SHARE, MeteredTable, run
from tests.clocks import Clock
from tests.kinds.http_helpers import ending, values
from tests.servers.providers.metered import KEY, metered

DAY = 86400.0
GB = 1e9


def at(day: int, hour: int = 0) -> float:
    """A moment of June 2026, which has 30 days; seconds since 1970."""
    return datetime(2026, 6, day, hour, tzinfo=UTC).timestamp()


def check(url: str, **table: Any) -> Check:
    given = {"name": "metered", "url": url, "secret_key": KEY, **table}
    return Check(KIND, MeteredTable.model_validate(given))


def context_at(now: float) -> Context:
    return Context(now=Clock(now))


async def look(url: str, now: float, **table: Any) -> Result:
    return await run_check(check(url, **table), context_at(now))


def verdict(each: Check, result: Result, signal: str) -> Verdict:
    found = judge([each], {each.name: result}, set()).evaluations
    return next((one.verdict for one in found if one.threshold.signal.name == signal), Verdict.OK)


async def test_it_says_what_the_account_says(leaks: None) -> None:
    async with metered(quota=150, usage=45.12, overage=1.5) as account:
        result = await look(account.url, at(11))
    assert result.failure is None
    assert account.asked == [{"secretKey": KEY}]
    found = values(result)
    assert found["probe_metered_quota_bytes"] == 150 * GB
    assert found["probe_metered_used_bytes"] == 45.12 * GB
    assert found["probe_metered_overage_bytes"] == 1.5 * GB
    assert found["probe_metered_used_ratio"] == pytest.approx(0.3008)
    # 10 of 30 days have taken 30.08 %.
    assert found["probe_metered_forecast_ratio"] == pytest.approx(0.9024)
    ends = found["probe_metered_quota_end_timestamp_seconds"]
    assert ends == pytest.approx(at(1) + 10 * DAY / 0.3008, abs=1)


@pytest.mark.parametrize(
    ("usage", "share", "forecast"),
    [
        (49, Verdict.OK, Verdict.OK),
        (51, Verdict.OK, Verdict.WARNING),
        (100, Verdict.OK, Verdict.WARNING),
        (150, Verdict.CRITICAL, Verdict.WARNING),
    ],
)
async def test_the_forecast_warns_before_the_quota_is_used_up(
    usage: float, share: Verdict, forecast: Verdict
) -> None:
    """On the eleventh of thirty days, with a quota of 150 GB."""
    async with metered(usage=usage) as account:
        each = check(account.url)
        result = await run_check(each, context_at(at(11)))
    assert verdict(each, result, SHARE.name) is share
    assert verdict(each, result, FORECAST.name) is forecast


async def test_the_rate_is_that_of_the_last_day_once_it_is_known() -> None:
    """A quiet third of a month, and then a day of 20 GB."""
    async with metered(usage=10.0) as account:
        each, clock = check(account.url), Clock(at(11))
        context = Context(now=clock)
        before = await run_check(each, context)
        for _ in range(24):
            clock.pass_(3600)
            account.usage += 20 / 24
            after = await run_check(each, context)
    assert verdict(each, before, FORECAST.name) is Verdict.OK
    assert verdict(each, after, FORECAST.name) is Verdict.WARNING
    found = values(after)
    assert found[FORECAST.name] == pytest.approx((30 + 19 * 20) / 150)
    ends = found["probe_metered_quota_end_timestamp_seconds"]
    assert ends == pytest.approx(at(12) + 6 * DAY, abs=1)


async def test_a_new_cycle_begins_without_a_rate_and_without_a_forecast() -> None:
    async with metered(usage=140.0) as account:
        each, clock = check(account.url), Clock(at(30, 12))
        context = Context(now=clock)
        await run_check(each, context)
        clock.pass_(13 * 3600)
        account.usage = 0.4
        result = await run_check(each, context)
    assert FORECAST.name not in values(result)
    assert values(result)[SHARE.name] == pytest.approx(0.4 / 150)
    assert verdict(each, result, FORECAST.name) is Verdict.OK


async def test_a_cycle_may_begin_on_any_day() -> None:
    async with metered(usage=50.0) as account:
        result = await look(account.url, at(11), renews_on=10)
    # One day of 30 has taken a third.
    assert values(result)[FORECAST.name] == pytest.approx(30 / 3)


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ((401, '{"message": "Invalid Secret Key"}'), ("status", Cause.AUTH_REJECTED)),
        ((400, '{"message": "Not subscribed"}'), ("status", Cause.HTTP_STATUS)),
        ((429, ""), ("status", Cause.RATE_LIMITED)),
        ((500, ""), ("status", Cause.HTTP_STATUS)),
        ((200, ""), ("body", Cause.BODY_INVALID)),
        ((200, "[]"), ("body", Cause.BODY_INVALID)),
        ((200, "{}"), ("body", Cause.BODY_INVALID)),
        ((200, '{"quotaInGB": 0, "usageInGB": 0}'), ("body", Cause.BODY_INVALID)),
        ((200, '{"quotaInGB": NaN, "usageInGB": 1}'), ("body", Cause.BODY_INVALID)),
        ((200, '{"quotaInGB": 150, "usageInGB": "1"}'), ("body", Cause.BODY_INVALID)),
        ((200, '{"quotaInGB": 150, "usageInGB": true}'), ("body", Cause.BODY_INVALID)),
    ],
)
async def test_no_answer_is_no_data(
    leaks: None, answer: tuple[int, str], ends: tuple[str, Cause]
) -> None:
    async with metered(answer=answer) as account:
        each = check(account.url)
        result = await run_check(each, context_at(at(11)))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ends
    assert verdict(each, result, SHARE.name) is Verdict.UNKNOWN
    assert judge([each], {each.name: result}, set()).verdict is Verdict.OK


async def test_an_api_that_is_gone_or_silent_is_no_data_within_the_deadline(leaks: None) -> None:
    async with metered(hangs=True) as account:
        silent = await look(account.url, at(11), deadline=0.3)
        url = account.url
    gone = await look(url, at(11))
    assert (silent.status, ending(silent)) == (Status.UNKNOWN, ("usage", Cause.DEADLINE))
    assert silent.duration < 5
    assert (gone.status, ending(gone)[1]) == (Status.UNKNOWN, Cause.CONNECT_REFUSED)


@pytest.mark.parametrize("answer", [(401, ""), (200, "{"), (302, "")])
async def test_the_key_is_nowhere(
    answer: tuple[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with metered(answer=answer) as account:
        each = check(account.url)
        result = await run_check(each, context_at(at(11)))
        with pytest.raises(CheckAborted) as caught:
            await run(MeteredTable.model_validate(each.table), Recorder(), context_at(at(11)))
    assert KEY not in f"{result}{each}{each.table.target}"
    ours = [each for each in caplog.records if each.name != "aiohttp.access"]
    assert not [each for each in ours if KEY in each.getMessage()]
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r}{vars(error)}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    ("variables", "targets", "skipped"),
    [
        ({}, [], ["METERED_SECRET_KEY is not set"]),
        ({"METERED_SECRET_KEY": "k"}, [], ["METERED_APP is not set"]),
        (
            {"METERED_SECRET_KEY": "k", "METERED_APP": "paircam"},
            ["https://paircam.metered.live"],
            [],
        ),
        ({"METERED_SECRET_KEY": "k", "METERED_URL": "http://proxy/"}, ["http://proxy"], []),
    ],
)
def test_the_variables_make_the_check(
    variables: dict[str, str], targets: list[str], skipped: list[str]
) -> None:
    derived = KIND.derive(read_environment(KIND.environment, Variables(variables)))
    tables = [MeteredTable.model_validate({**derived.defaults, **each}) for each in derived.tables]
    assert [table.target for table in tables] == targets
    assert list(derived.skipped) == skipped


def test_an_app_without_its_key_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_environment(KIND.environment, Variables({"METERED_APP": "paircam"}))
    assert "METERED_SECRET_KEY" in str(caught.value)
