"""Metrics that can't be had, and processes behind one name."""

import socket

import pytest

from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds import KINDS
from probe.kinds.app_metrics import AppTable
from probe.net.resolver import Address
from tests.clocks import Clock
from tests.kinds.http_helpers import failure, values
from tests.kinds.telemetry.watched_app import (
    Watched,
    app,
)
from tests.servers.pages import Behaviour, Pages, answers, in_turn

pytestmark = pytest.mark.usefixtures("leaks")


def test_what_is_missing_is_named() -> None:
    plan = make_plan(KINDS, Variables({"FLY_APP": "paircam"}), {})
    skipped = {(each.kind, each.reason) for each in plan.skipped}
    assert ("app_metrics", "neither APP_METRICS_URL nor BACKEND_URL is set") in skipped
    assert ("fly", "FLY_API_TOKEN is not set") in skipped


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (answers(401, b""), Cause.HTTP_STATUS),
        (answers(429, b""), Cause.RATE_LIMITED),
        (answers(404, b""), Cause.HTTP_STATUS),
        (answers(200, b"<html>no metrics</html>\n"), Cause.BODY_INVALID),
        (answers(200, b"\xff\xfe"), Cause.BODY_INVALID),
        (answers(200, b"x 1\n" * 2_000_000), Cause.BODY_TOO_LARGE),
        (
            answers(200, b"".join(b'video_chat_x{a="%d"} 1\n' % n for n in range(20_001))),
            Cause.BODY_INVALID,
        ),
    ],
)
async def test_metrics_that_can_t_be_had_are_unknown_with_a_cause(
    behaviour: Behaviour, cause: Cause
) -> None:
    async with Pages(behaviour) as pages:
        result = await run_check(app(f"{pages.url}/metrics"), Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, cause)


async def test_a_backend_that_hangs_is_unknown_within_the_deadline(lab: Watched) -> None:
    lab.backend.knobs.silent = True
    check = app(f"{lab.backend.url}/metrics", deadline=0.3)
    result = await run_check(check, Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.DEADLINE)


async def test_metrics_are_worth_having_without_a_health(lab: Watched) -> None:
    lab.backend.knobs.body = "invalid"
    await lab.look()
    result = await lab.look()
    assert result.status is Status.OK
    assert "probe_turn_fallback_ratio/app" in values(result)
    assert not [name for name in values(result) if "memory" in name or "uptime" in name]


async def test_every_address_of_a_name_is_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def two(host: str, port: int) -> list[Address]:
        return [Address(f"127.0.0.{number}", port, socket.AF_INET) for number in (1, 2)]

    monkeypatch.setattr("probe.net.resolver.resolve", two)
    first, second = (b"video_chat_active_sessions %d\n" % count for count in (3, 4))
    async with Pages(answers(200, first)) as one:
        check = app(f"http://paircam.internal:{one.port}/metrics")
        async with Pages(answers(200, second), host="127.0.0.2", port=one.port):
            found = values(await run_check(check, Context()))
            assert found["probe_app_instances"] == 2
            assert found["probe_app_active_sessions"] == 7
        result = await run_check(check, Context())
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.CONNECT_REFUSED)
    assert values(result)["probe_app_active_sessions"] == 3


def test_inside_fly_every_address_is_asked_by_itself() -> None:
    for url, wanted in (
        ("http://paircam.internal:3333/metrics", True),
        ("https://paircam.live/metrics", False),
    ):
        assert AppTable.model_validate({"name": "a", "url": url}).reads_every_address is wanted


async def test_processes_that_take_turns_at_one_address_give_no_rates() -> None:
    clock = Clock(1000.0)
    context = Context(clock=clock)

    def process(name: str, count: int) -> list[Behaviour]:
        health = {"instance": {"id": name}, "uptime": 100}
        return [answers(200, b"video_chat_errors_total %d\n" % count), answers(200, health)]

    turns = [*process("a", 10), *process("b", 900), *process("a", 11), *process("b", 901)]
    async with Pages(in_turn(*turns)) as pages:
        for _ in range(4):
            clock.pass_(60)
            result = await run_check(app(f"{pages.url}/metrics"), context)
    assert "take turns" in result.facts["rates"] or "in turn" in result.facts["rates"]
    assert "probe_app_errors_per_second" not in values(result)


async def test_processes_that_say_when_they_started_are_distinguished() -> None:
    clock = Clock(1000.0)
    context = Context(clock=clock)

    def scrape(started: int, count: int) -> list[Behaviour]:
        text = f"process_start_time_seconds {started}\nvideo_chat_errors_total {count}\n"
        return [answers(200, text.encode()), answers(404)]

    turns = [*scrape(1, 10), *scrape(2, 900), *scrape(1, 16), *scrape(2, 906)]
    async with Pages(in_turn(*turns)) as pages:
        for _ in range(4):
            clock.pass_(60)
            result = await run_check(app(f"{pages.url}/metrics"), context)
    assert values(result)["probe_app_errors_per_second"] == pytest.approx(12 / 120)
