"""The fly check's machines: what runs, what ended and why, asked from the Machines API."""

import time
from typing import Any

import pytest

from alerts.evaluation.verdict import judge
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.model import Result, Status, Verdict
from probe.kinds import KINDS
from tests.fake_kind import result_of
from tests.kinds.http_helpers import failure, values
from tests.kinds.telemetry.fly_checks import fly, judged, look
from tests.servers.providers.fly_machines import FlyMachines, exit_event, machine

pytestmark = pytest.mark.usefixtures("leaks")

NOW = time.time()


async def look_at(*machines: dict[str, Any], **table: Any) -> Result:
    async with FlyMachines("app") as api:
        api.machines = list(machines)
        return await look(fly("app", "machines", machines_url=api.url, **table))


def verdicts(result: Result, signal: str) -> dict[str, Verdict]:
    return {
        each.labels["machine"]: each.verdict
        for each in judged(fly("app", "machines"), result)
        if each.threshold.signal.name == signal
    }


def crashed(*minutes_ago: float, **more: Any) -> list[dict[str, Any]]:
    return [exit_event(NOW - 60 * each, **more) for each in minutes_ago]


async def test_running_machines_pass() -> None:
    result = await look_at(machine("b2", region="ams"), machine("a1"))
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_fly_machine_up/a1/lax"] == found["probe_fly_machine_up/b2/ams"] == 1
    assert found["probe_fly_machines/up"] == 2
    assert found["probe_fly_machines/down"] == 0
    assert {each.verdict for each in judged(fly("app", "machines"), result)} == {Verdict.OK}


@pytest.mark.parametrize("form", ["timestamp", "milliseconds", "monitor"])
@pytest.mark.parametrize(
    ("crashes", "verdict"),
    [
        ((), Verdict.OK),
        ((10,), Verdict.WARNING),
        ((10, 20), Verdict.WARNING),
        ((10, 20, 30), Verdict.CRITICAL),
        ((10, 70, 80), Verdict.WARNING),
        ((70, 80, 90), Verdict.OK),
    ],
)
async def test_one_crash_warns_and_three_in_an_hour_are_critical(
    form: str, crashes: tuple[float, ...], verdict: Verdict
) -> None:
    result = await look_at(machine("a1", events=crashed(*crashes, form=form)), machine("b2"))
    assert result.status is Status.OK
    assert verdicts(result, "probe_fly_crashes") == {"a1": verdict, "b2": Verdict.OK}


async def test_an_exit_for_lack_of_memory_warns_and_counts_as_a_crash() -> None:
    result = await look_at(machine("a1", events=crashed(5, oom=True, code=137)))
    found = values(result)
    assert found["probe_fly_out_of_memory_exits/a1/lax"] == 1
    assert found["probe_fly_crashes/a1/lax"] == 1
    assert verdicts(result, "probe_fly_out_of_memory_exits") == {"a1": Verdict.WARNING}


async def test_a_requested_stop_is_no_crash() -> None:
    stopped = machine("a1", "stopped", events=crashed(5, requested=True))
    result = await look_at(stopped, machine("b2", "suspended"))
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_fly_requested_stops/a1/lax"] == 1
    assert found["probe_fly_crashes/a1/lax"] == 0
    assert found["probe_fly_machines/stopped"] == 2
    assert not [name for name in found if name.startswith("probe_fly_machine_up")]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (machine("a1", "stopped", events=crashed(1, code=137, oom=True)), "out of memory"),
        (machine("a1", "stopped", events=crashed(1, code=7)), "exit code 7"),
        (machine("a1", "failed"), "a1 (lax): failed"),
        (machine("a1", host_status="unreachable"), "its host is unreachable"),
    ],
)
async def test_a_dead_machine_is_a_warning_with_another_one_up_and_critical_alone(
    broken: dict[str, Any], words: str
) -> None:
    result = await look_at(broken, machine("b2"))
    assert result.status is Status.OK
    assert verdicts(result, "probe_fly_machine_up") == {
        "a1": Verdict.WARNING,
        "b2": Verdict.OK,
    }
    result = await look_at(broken, machine("b2", "stopped", events=crashed(1, requested=True)))
    assert (result.status, failure(result).cause) == (Status.FAILED, Cause.SERVICE_DOWN)
    assert words in failure(result).message


@pytest.mark.parametrize(
    "other",
    [
        machine(
            "r1", "stopped", config={"metadata": {"fly_process_group": "fly_app_release_command"}}
        ),
        machine("r1", "stopped", config={"schedule": "daily"}, events=[exit_event(NOW)]),
        machine("r1", "destroyed", events=[exit_event(NOW)]),
    ],
)
async def test_machines_that_end_by_themselves_or_are_gone_don_t_count(
    other: dict[str, Any],
) -> None:
    result = await look_at(machine("a1"), other)
    assert result.status is Status.OK
    assert not [name for name in values(result) if "/r1" in name]


@pytest.mark.parametrize("state", ["created", "starting", "stopping", "replacing"])
async def test_a_machine_on_its_way_is_neither_up_nor_down(state: str) -> None:
    found = values(await look_at(machine("a1", state)))
    assert found["probe_fly_machines/changing"] == 1
    assert "probe_fly_machine_up/a1/lax" not in found


async def test_failing_health_checks_are_counted_and_named_but_for_those_of_deployments() -> None:
    checks = [
        {"name": "alive", "status": "passing"},
        {"name": "ready", "status": "critical"},
        {"name": "bg_deployments_compat_1", "status": "critical"},
    ]
    result = await look_at(machine("a1", checks=checks))
    assert values(result)["probe_fly_checks_failing/a1/lax"] == 1
    assert result.facts["checks failing"] == "ready"
    assert verdicts(result, "probe_fly_checks_failing") == {"a1": Verdict.OBJECTIVE_MISSED}


async def test_events_that_the_list_leaves_out_are_asked_for_within_the_rate_limit() -> None:
    bare = [machine(f"m{number}") for number in range(3)]
    for each in bare:
        del each["events"]
        each["later_events"] = crashed(3)
    async with FlyMachines("app") as api:
        api.machines = bare
        result = await look(fly("app", "machines", machines_url=api.url))
        assert (api.asked["list"], api.asked["events"]) == (1, 3)
    assert verdicts(result, "probe_fly_crashes") == dict.fromkeys(
        ["m0", "m1", "m2"], Verdict.WARNING
    )


async def test_two_checks_of_one_app_share_an_answer() -> None:
    context = Context()
    async with FlyMachines("app") as api:
        api.machines = [machine("a1")]
        for _ in range(3):
            check = fly("app", "machines", machines_url=api.url)
            assert (await look(check, context)).status is Status.OK
        assert api.asked["list"] == 1


async def test_a_client_that_is_asked_to_wait_waits() -> None:
    context = Context()
    async with FlyMachines("app") as api:
        api.status, api.retry_after = 429, "30"
        check = fly("app", "machines", machines_url=api.url)
        for _ in range(3):
            result = await look(check, context)
            assert (result.status, failure(result).cause) == (Status.UNKNOWN, Cause.RATE_LIMITED)
        assert api.asked["list"] == 1
    assert "asks for no requests" in failure(result).message


@pytest.mark.parametrize(
    ("knobs", "cause", "words"),
    [
        ({"status": 500}, Cause.HTTP_STATUS, "not now"),
        ({"body": b"no"}, Cause.BODY_INVALID, "no JSON: syntax error in line 1, column 1"),
        ({"body": b'{"machines": []}'}, Cause.BODY_INVALID, "another form"),
        ({"body": b'[{"id": "../etc"}]'}, Cause.BODY_INVALID, "another form"),
        ({"body": b"[" + b" " * (5 << 20)}, Cause.BODY_TOO_LARGE, "more than"),
        ({"body": b"[]"}, Cause.NO_DATA, "no machines"),
        ({"app": "another"}, Cause.HTTP_STATUS, "app not found"),
        ({"authorization": "Bearer other"}, Cause.AUTH_REJECTED, "unauthorized"),
    ],
)
async def test_an_api_that_does_not_serve_makes_it_unknown_with_a_cause(
    knobs: dict[str, Any], cause: Cause, words: str
) -> None:
    async with FlyMachines("app") as api:
        for name, value in knobs.items():
            setattr(api, name, value)
        result = await look(fly("app", "machines", machines_url=api.url))
    assert (result.status, failure(result).cause) == (Status.UNKNOWN, cause)
    assert words in failure(result).message
    assert "secret" not in repr(result)


@pytest.mark.parametrize(
    ("pasted", "sent"),
    [
        ("FlyV1 fm2_abcdefgh,fm2_ijklmnop", "FlyV1 fm2_abcdefgh,fm2_ijklmnop"),
        ("fm2_abcdefgh", "FlyV1 fm2_abcdefgh"),
        ("FlyV1 FlyV1 fm2_abcdefgh", "FlyV1 fm2_abcdefgh"),
        ("fo1_abcdefgh", "Bearer fo1_abcdefgh"),
        ("Bearer fm2_abcdefgh", "Bearer fm2_abcdefgh"),
    ],
)
async def test_a_token_is_sent_in_its_form_however_it_was_pasted(pasted: str, sent: str) -> None:
    async with FlyMachines("app", sent) as api:
        api.machines = [machine("a1")]
        result = await look(fly("app", "machines", machines_url=api.url, token=pasted))
    assert result.status is Status.OK


def backed_up(health: Status) -> Verdict:
    """The verdict on machines that all are down, with /health as seen from outside."""
    variables = {
        "BACKEND_URL": "https://paircam.live",
        "FLY_API_TOKEN": "FlyV1 fm2_of-no-use",
        "FLY_APP": "paircam",
    }
    checks = make_plan(KINDS, Variables(variables), {}).checks
    status = {"fly-machines": Status.FAILED, "health": health, "ready": Status.FAILED}
    results = {
        each.name: result_of(each.name, status.get(each.name, Status.OK), Cause.SERVICE_DOWN)
        for each in checks
    }
    subjects = {each.table.alert_group for each in checks if each.name in status}
    assert subjects == {"paircam.live"}  # told together, as one
    return judge(checks, results).checks["fly-machines"]


def test_machines_that_are_down_are_critical_when_the_backend_does_not_answer_either() -> None:
    assert backed_up(Status.FAILED) is Verdict.CRITICAL
    assert backed_up(Status.OK) is Verdict.WARNING
