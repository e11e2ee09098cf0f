"""The fly check's metrics, asked from a real Prometheus that has series of Fly's shape."""

import logging
from collections.abc import Iterator

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status, Verdict
from tests.kinds.http_helpers import failure, values
from tests.kinds.telemetry.fly_checks import PREFIX, fly, judged, look, verdict
from tests.kinds.telemetry.fly_series import App
from tests.servers.pages import Pages, answers
from tests.servers.providers.fly_machines import FlyMachines, machine
from tests.servers.scraping.prometheus import PAST_SECONDS, Prometheus

pytestmark = pytest.mark.usefixtures("leaks")

OK, MISSED = Verdict.OK, Verdict.OBJECTIVE_MISSED
WARNING, CRITICAL, UNKNOWN = Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN
RECENT = PAST_SECONDS - 900.0

# Each limit, pushed through its steps by series.
WALKS = {
    "probe_error_ratio": [
        (App("errors-0"), OK),
        (App("errors-1", errors=0.5), MISSED),
        (App("errors-2", errors=3), WARNING),
        (App("errors-3", errors=8), CRITICAL),
        (App("errors-4", requests=0), UNKNOWN),
    ],
    "probe_request_p95_seconds": [
        (App("p95-0", p95=0.25), OK),
        (App("p95-1", p95=1.0), MISSED),
        (App("p95-2", p95=1.8), WARNING),
        (App("p95-3", p95=5.0), CRITICAL),
        (App("p95-4", requests=0), UNKNOWN),
        (App("p95-5", p95=5.0, requests=0.05), UNKNOWN),
    ],
    "probe_memory_used_bytes": [
        (App("memory-0", used=150e6), OK),
        (App("memory-1", used=250e6), MISSED),
        (App("memory-2", used=310e6), WARNING),
    ],
    "probe_fly_memory_used_ratio": [
        (App("share-0", used=200e6, total=256e6), OK),
        (App("share-1", used=235e6, total=256e6), WARNING),
    ],
    "probe_fly_cpu_ratio": [
        (App("cpu-0", busy=0.3), OK),
        (App("cpu-1", busy=0.7), MISSED),
    ],
    "probe_restarts": [
        (App("restarts-0"), OK),
        (App("restarts-1", restarts=(RECENT, RECENT + 120)), MISSED),
    ],
}
STEPS = [(signal, app, wanted) for signal, walk in WALKS.items() for app, wanted in walk]
OTHERS = [
    App("known", errors=5, busy=0.4, throttled=0.25, regions=("lax", "ams")),
    App("vanished", machines=("d1",), vanished=("d2", "d3")),
    App("gone", machines=(), vanished=("d1",)),
    App("small", total=256e6),
    App("crowd", machines=[f"m{number:02d}" for number in range(60)]),
]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    apps = [*(app for _, app, _ in STEPS), *OTHERS]
    lines = [line for app in apps for line in app.lines()]
    with Prometheus(tmp_path_factory.mktemp("fly"), lines, prefix=PREFIX) as server:
        yield f"{server.url}/prometheus"


@pytest.mark.parametrize(
    ("signal", "app", "wanted"), STEPS, ids=[f"{app.name}-{wanted}" for _, app, wanted in STEPS]
)
async def test_a_limit_is_met_missed_and_broken_as_the_series_say(
    prometheus: str, signal: str, app: App, wanted: Verdict
) -> None:
    check = fly(app.name, "metrics", prometheus_url=prometheus)
    result = await look(check)
    assert result.failure is None
    assert verdict(check, result, signal) is wanted


async def test_every_figure_is_what_the_series_say(prometheus: str) -> None:
    result = await look(fly("known", "metrics", prometheus_url=prometheus))
    assert result.status is Status.OK
    found = values(result)
    wanted = {
        "probe_error_ratio/fly": 0.05,
        "probe_fly_region_error_ratio/lax": 0.05,
        "probe_fly_region_error_ratio/ams": 0.05,
        "probe_fly_requests": 200 * 300,
        "probe_request_p95_seconds/fly": 0.2425,
        "probe_fly_region_p95_seconds/lax": 0.2425,
        "probe_memory_used_bytes/fly/d1/lax": 100e6,
        "probe_fly_memory_bytes/d1/lax": 512e6,
        "probe_fly_memory_used_ratio/d1/lax": 100 / 512,
        "probe_fly_cpu_ratio/d1/lax": 0.4,
        "probe_fly_cpu_throttled_ratio/d1/lax": 0.25,
        "probe_restarts/fly/d1/lax": 0,
        "probe_fly_machine_lost/d1/lax": 0,
        "probe_fly_memory_limit_unreachable/d1/lax": 0,
    }
    measured = {name: value for name, value in found.items() if name in wanted}
    assert measured == pytest.approx(wanted, rel=0.02)
    assert set(found) == {*wanted, "probe_success", "probe_duration_seconds"}


async def test_no_requests_are_no_data_and_it_says_so(prometheus: str) -> None:
    result = await look(fly("errors-4", "metrics", prometheus_url=prometheus))
    assert result.status is Status.OK
    assert "none in five minutes" in result.facts["requests"]
    assert "probe_error_ratio/fly" not in values(result)


async def test_a_series_that_vanished_is_a_lost_machine_only_if_fly_says_that_it_runs(
    prometheus: str,
) -> None:
    async with FlyMachines("vanished") as api:
        api.machines = [machine("d1"), machine("d2"), machine("d3", "stopped")]
        check = fly("vanished", "metrics", prometheus_url=prometheus, machines_url=api.url)
        result = await look(check)
    found = values(result)
    lost = {name: value for name, value in found.items() if "machine_lost" in name}
    assert lost == {"probe_fly_machine_lost/d1/lax": 0, "probe_fly_machine_lost/d2/lax": 1}
    verdicts = {
        each.labels["machine"]: each.verdict
        for each in judged(check, result)
        if each.threshold.signal.name == "probe_fly_machine_lost"
    }
    assert verdicts == {"d1": OK, "d2": WARNING}


async def test_who_can_t_ask_the_machines_api_does_not_call_a_machine_lost(
    prometheus: str,
) -> None:
    async with FlyMachines("vanished") as api:
        api.status = 500
        check = fly("vanished", "metrics", prometheus_url=prometheus, machines_url=api.url)
        result = await look(check)
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.HTTP_STATUS)
    assert not [name for name in values(result) if "machine_lost" in name]
    assert "probe_error_ratio/fly" in values(result)


@pytest.mark.parametrize(("state", "lost"), [("started", 1.0), ("stopped", None)])
async def test_an_app_whose_metrics_have_all_stopped_is_reported_from_the_machines_api(
    prometheus: str, state: str, lost: float | None
) -> None:
    async with FlyMachines("gone") as api:
        api.machines = [machine("d1", state)]
        check = fly("gone", "metrics", prometheus_url=prometheus, machines_url=api.url)
        result = await look(check)
    assert result.status is Status.OK
    assert values(result).get("probe_fly_machine_lost/d1/lax") == lost


async def test_an_app_without_any_metrics_is_no_data(prometheus: str) -> None:
    async with FlyMachines("nobody") as api:
        api.machines = [machine("d1")]
        check = fly("nobody", "metrics", prometheus_url=prometheus, machines_url=api.url)
        result = await look(check)
        assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.NO_DATA)
        api.machines = [machine("d1", "suspended")]
        result = await look(check)
    assert (result.status, result.facts["machines"]) == (Status.OK, "none runs")
    assert {each.verdict for each in judged(check, result)} == {UNKNOWN}


async def test_a_limit_above_the_machine_s_memory_is_said_once(
    prometheus: str, caplog: pytest.LogCaptureFixture
) -> None:
    check = fly("small", "metrics", prometheus_url=prometheus)
    context = Context()
    with caplog.at_level(logging.WARNING):
        results = [await look(check, context) for _ in range(2)]
    said = [each.getMessage() for each in caplog.records if "can't be reached" in each.message]
    assert said == [
        "small: the limit of 300 MB can't be reached on 256 MB; 90 % of the machine is alerted on "
        "all the same"
    ]
    assert verdict(check, results[1], "probe_fly_memory_limit_unreachable") is MISSED
    own = {"probe_memory_used_bytes": {"objective": 100e6, "warning": 200e6}}
    result = await look(fly("small", "metrics", prometheus_url=prometheus, thresholds=own))
    assert values(result)["probe_fly_memory_limit_unreachable/d1/lax"] == 0


async def test_of_many_machines_always_the_same_fifty_are_shown(prometheus: str) -> None:
    check = fly("crowd", "metrics", prometheus_url=prometheus)
    shown = []
    for _ in range(2):
        found = values(await look(check))
        shown.append({name for name in found if name.startswith("probe_memory_used_bytes/")})
    assert len(shown[0]) == 50
    assert shown[0] == shown[1]


OWN = {
    "name": "memory_ratio",
    "query": 'sum by(instance) (fly_instance_memory_mem_available{app="known"}) '
    '/ sum by(instance) (fly_instance_memory_mem_total{app="known"})',
    "unit": "ratio",
    "help": "What is left of the memory.",
    "labels": ["instance"],
    "objective": 0.5,
    "warning": 0.7,
    "critical": 0.9,
}


async def test_an_own_query_is_a_signal_with_limits(prometheus: str) -> None:
    check = fly("known", "queries", prometheus_url=prometheus, queries=[OWN])
    result = await look(check)
    assert result.status is Status.OK
    assert values(result)["probe_own_memory_ratio/d1"] == pytest.approx(412 / 512)
    (found,) = judged(check, result)
    assert (found.labels, found.verdict) == ({"machine": "d1"}, WARNING)


@pytest.mark.parametrize(
    ("query", "labels", "cause", "words"),
    [
        ("nothing_of_that_name", (), Cause.NO_DATA, "no result"),
        ('fly_instance_up{app=~"known|small"}', (), Cause.BODY_INVALID, "several"),
        ("sum(", (), Cause.HTTP_STATUS, "parse error"),
        ("fly_instance_up[5m]", (), Cause.BODY_INVALID, "another form"),
        ("vector(NaN)", (), Cause.NO_DATA, "no result"),
        ('fly_instance_up{app="crowd"}', ("instance",), Cause.BODY_INVALID, "at most 32"),
    ],
)
async def test_an_own_query_that_can_t_be_answered_is_unknown_and_the_rest_is_measured(
    prometheus: str, query: str, labels: tuple[str, ...], cause: Cause, words: str
) -> None:
    own = {"name": "mine", "query": query, "unit": "count", "labels": labels, "warning": 1}
    check = fly("known", "metrics", prometheus_url=prometheus, queries=[own])
    result = await look(check)
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, cause)
    assert words in failure(result).message
    assert "probe_error_ratio/fly" in values(result)
    (found,) = [each for each in judged(check, result) if "own" in each.threshold.signal.name]
    assert found.verdict is UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (401, b"", Cause.AUTH_REJECTED),
        (403, b"", Cause.AUTH_REJECTED),
        (429, b"", Cause.RATE_LIMITED),
        (500, b"", Cause.HTTP_STATUS),
        (302, b"", Cause.HTTP_STATUS),
        (422, b'{"status":"error","error":"too many\\u001b[2J samples"}', Cause.HTTP_STATUS),
        (200, b"<html>", Cause.BODY_INVALID),
        (200, b"[]", Cause.BODY_INVALID),
        (
            200,
            b'{"status":"success","data":{"resultType":"vector","result":[{}]}}',
            Cause.BODY_INVALID,
        ),
        (200, b"[" * 100_000, Cause.BODY_INVALID),
        (200, b" " * (5 << 20), Cause.BODY_TOO_LARGE),
    ],
)
async def test_an_api_that_does_not_serve_makes_it_unknown_with_a_cause(
    status: int, body: bytes, cause: Cause
) -> None:
    async with Pages(answers(status, body)) as pages:
        result = await look(fly("known", "metrics", prometheus_url=pages.url))
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, cause)
    assert "Prometheus" in failure(result).message
    assert "secret" not in repr(result)
    assert "\x1b" not in failure(result).message


async def test_an_api_that_hangs_is_unknown_within_the_deadline() -> None:
    async with FlyMachines("known") as api:
        api.hangs = True
        for part in ("metrics", "machines"):
            keys = {"prometheus_url": api.url, "machines_url": api.url, "deadline": 0.5}
            result = await look(fly("known", part, **keys))
            assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.DEADLINE)


async def test_an_api_that_no_one_runs_is_unknown() -> None:
    for part in ("metrics", "machines"):
        result = await look(fly("known", part))
        assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.CONNECT_REFUSED)
