"""What an operator writes for Fly: tokens in both forms, mistakes, own queries, no leaks."""

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from probe.config.check_plan import make_plan
from probe.config.settings import load_settings
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import ConfigurationError, Variables
from probe.core.kind import Check
from probe.core.model import NotMeasured, Status
from probe.core.thresholds import signals_of_check, thresholds_of
from probe.kinds import KINDS
from probe.kinds.fly import FlyTable
from probe.telemetry.fly.clients import machines_of, promql_of
from probe.telemetry.fly.token import split_token
from tests.command import probe
from tests.kinds.http_helpers import failure
from tests.kinds.telemetry.fly_checks import fly, look
from tests.servers.pages import Pages, answers
from tests.servers.providers.fly_machines import FlyMachines

SECRET = "fm2_very-secret-of-the-test"
VARIABLES = {"FLY_API_TOKEN": f"FlyV1 {SECRET}", "FLY_ORG": "personal", "FLY_APP": "paircam"}


def plan(values: dict[str, str], *tables: dict[str, Any]) -> list[Check]:
    return list(make_plan(KINDS, Variables(values), {"fly": tables}).checks)


def problems(values: dict[str, str], *tables: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as raised:
        plan(values, *tables)
    text = str(raised.value)
    assert SECRET not in text
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    return text


def test_three_variables_give_two_checks() -> None:
    machines, metrics = plan(VARIABLES)
    assert (machines.name, machines.interval) == ("fly-machines", 20.0)
    assert (metrics.name, metrics.interval) == ("fly-metrics", 60.0)
    assert machines.table.alert_group == metrics.table.alert_group == "paircam"
    watched = plan({**VARIABLES, "BACKEND_URL": "https://paircam.live"})
    subjects = {check.table.alert_group for check in watched if check.kind.name != "turn"}
    assert subjects >= {"paircam.live"}
    assert (
        len({each.table.alert_group for each in watched if each.kind.name in ("fly", "http")}) == 1
    )


@pytest.mark.parametrize(
    ("missing", "names", "reason"),
    [
        ("FLY_API_TOKEN", [], "FLY_API_TOKEN is not set"),
        ("FLY_APP", [], "FLY_APP is not set"),
        ("FLY_ORG", ["fly-machines"], "FLY_ORG is not set (metrics)"),
    ],
)
def test_what_is_missing_is_named(missing: str, names: list[str], reason: str) -> None:
    values = {name: value for name, value in VARIABLES.items() if name != missing}
    found = make_plan(KINDS, Variables(values), {})
    assert [check.name for check in found.checks] == names
    assert reason in [each.reason for each in found.skipped if each.kind == "fly"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"FlyV1 {SECRET}", ("FlyV1", SECRET)),
        (f"FlyV1 FlyV1  {SECRET} ", ("FlyV1", SECRET)),
        (SECRET, ("FlyV1", SECRET)),
        ("fm1r_abcdefgh", ("FlyV1", "fm1r_abcdefgh")),
        ("fo1_abcdefgh", ("Bearer", "fo1_abcdefgh")),
        (f"Bearer {SECRET}", ("Bearer", SECRET)),
    ],
)
def test_a_token_has_a_scheme_once(text: str, wanted: tuple[str, str]) -> None:
    assert split_token(text) == wanted


@pytest.mark.parametrize(
    "text", ["FlyV1", f"{SECRET} {SECRET}", f"{SECRET}\nX: y", "short", "é" * 9]
)
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    said = problems({**VARIABLES, "FLY_API_TOKEN": text})
    assert "FLY_API_TOKEN: this is not a token: paste what fly tokens create readonly" in said


@pytest.mark.parametrize("name", ["FLY_APP", "FLY_ORG"])
def test_a_name_that_would_change_a_query_or_address_is_refused(name: str) -> None:
    for text in ('a"} or up{', "../x", "A b"):
        assert name in problems({**VARIABLES, name: text})


QUERY = {"name": "x_ratio", "query": "up", "unit": "ratio"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "x"}, "a name of ratio ends in _ratio: write x_ratio"),
        ({"name": "X"}, '"queries", item 1, key "name"'),
        ({"unit": "percent"}, '"queries", item 1, key "unit"'),
        ({"query": ""}, '"queries", item 1, key "query"'),
        ({"labels": ["app"]}, "'app' can't be a label here: leave it out"),
        ({"labels": ["instance", "instance"]}, "a label is repeated"),
        ({"warn": 1}, '"queries", item 1, key "warn"'),
        ({"warning": 2.0, "critical": 1.0}, 'thresholds "probe_own_x_ratio"'),
        ({"warning": float("nan")}, '"queries", item 1, key "warning"'),
    ],
)
def test_a_wrong_query_is_reported_with_its_place(change: dict[str, Any], words: str) -> None:
    table = {"name": "fly-metrics", "queries": [{**QUERY, **change}]}
    assert words in problems(VARIABLES, table)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"name": "fly-machines", "queries": [QUERY]}, 'queries need part = "metrics"'),
        ({"name": "mine", "part": "queries"}, "asks nothing: add a [[fly.queries]]"),
        ({"name": "mine", "queries": [QUERY, QUERY]}, "two queries have one name"),
        ({"name": "mine", "thresholds": {"probe_own_y": {"warning": 1}}}, "no such signal"),
        ({"name": "mine", "token_from": "NO_SUCH"}, "NO_SUCH is not set"),
    ],
)
def test_a_wrong_table_is_reported(table: dict[str, Any], words: str) -> None:
    assert words in problems(VARIABLES, table)


def test_an_own_query_joins_signals_and_thresholds_and_can_be_set_like_any_other() -> None:
    table = {
        "name": "mine",
        "part": "queries",
        "queries": [{**QUERY, "warning": 0.5}, {**QUERY, "name": "y_ratio"}],
        "thresholds": {"probe_own_y_ratio": {"critical": 0.1, "bad": "below"}},
    }
    mine = next(check for check in plan(VARIABLES, table) if check.name == "mine")
    assert {"probe_own_x_ratio", "probe_own_y_ratio"} <= {s.name for s in signals_of_check(mine)}
    limits = {each.signal.name: each.limits for each in thresholds_of(mine)}
    assert limits["probe_own_x_ratio"].warning == 0.5
    assert limits["probe_own_y_ratio"].critical == 0.1
    assert len(limits) == 2


def test_the_token_is_among_the_secrets_that_are_kept_out_of_texts() -> None:
    settings = load_settings(KINDS, VARIABLES, env_file=None)
    assert SECRET in settings.secrets
    assert SECRET not in repr(settings.plan)


async def test_the_token_is_in_no_traceback_of_a_failed_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Pages(answers(200, b"[[")) as pages, FlyMachines("app") as api:
        for address in (pages.url, api.url, "http://127.0.0.1:1", "http://nowhere.invalid"):
            keys = {"token": f"FlyV1 {SECRET}", "org": "o", "app": "app", "name": "fly"}
            urls = {"prometheus_url": address, "machines_url": address}
            table = FlyTable.model_validate({**keys, **urls})
            for query in (
                machines_of(table, Context()).list(),
                promql_of(table, Context()).query("up"),
            ):
                with pytest.raises(NotMeasured) as raised:
                    await query
                text = "".join(traceback.format_exception(raised.value))
                assert SECRET not in text + repr(raised.value) + repr(table) + caplog.text


async def test_a_refused_token_says_how_to_make_one() -> None:
    async with FlyMachines("app", "FlyV1 another-token") as api:
        result = await look(fly("app", "machines", machines_url=api.url))
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.AUTH_REJECTED)
    assert "fly tokens create readonly" in failure(result).hint


async def test_what_can_only_lack_data_is_listed_so(tmp_path: Path) -> None:
    values = {**VARIABLES, "APP_METRICS_URL": "http://paircam.internal:3333/metrics"}
    done = await probe("list", cwd=tmp_path, env=values)
    checks = done.out.partition("Thresholds")[0].splitlines()
    said = {line.split()[0]: line for line in checks if line.split()[1:2]}
    assert "critical after 30 s" in said["fly-machines"]
    assert "it has no data" in said["fly-metrics"]
    assert "it has no data" in said["app-metrics"]
    assert SECRET not in done.out + done.err
