"""``probe doctor`` as operators call it: what is ready, what isn't monitored, exit codes."""

import asyncio
import json
import os
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alerts.notifiers import NOTIFIERS
from probe.commands.doctor.clock import clock_item, clock_readings, read_date
from probe.commands.doctor.findings import ServerClock, SystemState
from probe.commands.doctor.missing import missing_variables
from probe.config.settings import load_settings
from probe.core.context import Context
from probe.core.environment import Variables
from probe.kinds import KINDS
from probe.lab import Lab
from tests.command import probe, start
from tests.servers.signaling import serve

NOWHERE = {"BACKEND_URL": "http://127.0.0.1:9"}


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert (found["schema"], found["kind"]) == (1, "doctor")
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in found["systems"]}


async def test_a_stack_that_works_is_ready(tmp_path: Path) -> None:
    async with Lab() as lab:
        # Of the lab's thirty checks those that cost least.
        done = await probe(
            "--only", "http,engineio,allocation", "doctor", "--json", cwd=tmp_path,
            env={**lab.environment(), "PROBE_DATA": str(tmp_path)},
        )  # fmt: skip
    found = document(done.out)
    assert done.code == 0, done.out
    assert found["verdict"] == "ready"
    assert states(found) == {
        "configuration": "attention",
        "own network": states(found)["own network"],
        "http": "ready",
        "engineio": "ready",
        "allocation": "ready",
        "clock": "ready",
        "data folder": "ready",
        "receivers": "attention",
    }
    assert set(found["monitored"]) == {"http", "engineio", "allocation"}
    assert found["versions"]["probe"]


async def test_a_target_that_is_down_is_not_ready_and_says_why(tmp_path: Path) -> None:
    done = await probe("--only", "http", "doctor", cwd=tmp_path, env=NOWHERE)
    assert done.code == 2
    assert done.out.startswith("NOT READY: ")
    assert "0 of 2 checks pass; health: 127.0.0.1:9 refuses the connection" in done.out
    assert "Nothing listens there" in done.out


async def test_offline_nothing_is_sent_and_the_rest_is_said(tmp_path: Path) -> None:
    asked: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", remember)
    async with serve(app) as url:
        done = await probe("doctor", "--offline", "--json", cwd=tmp_path, env={"BACKEND_URL": url})
    found = document(done.out)
    assert asked == []
    assert done.code == 0
    assert found["offline"] is True
    assert "http" not in states(found)
    assert found["monitored"]["http"] == ["health", "ready"]


async def test_without_any_configuration_it_says_what_to_set_first(tmp_path: Path) -> None:
    done = await probe("doctor", "--json", cwd=tmp_path)
    found = document(done.out)
    assert done.code == 2
    assert states(found)["configuration"] == "not_ready"
    assert found["monitored"] == {}
    adds = {each["name"]: each["adds"] for each in found["missing_variables"]}
    assert {"health", "signaling", "call-issued"} <= {*adds["BACKEND_URL"]}
    assert adds["SLACK_WEBHOOK"] == ["notifications by slack"]
    reasons = {each["reason"] for each in found["not_monitored"]}
    assert "DATABASE_URL is not set" in reasons


async def test_wrong_configuration_is_64_with_every_mistake(tmp_path: Path) -> None:
    env = {"BACKEND_URL": "example.org", "TURN_URLS": "http://x"}
    done = await probe("doctor", "--json", cwd=tmp_path, env=env)
    found = document(done.out)
    assert done.code == 64
    details = [each["detail"] for each in found["systems"] if each["name"] == "configuration"]
    assert [detail.split()[0] for detail in details] == ["BACKEND_URL", "TURN_URLS"]


async def test_no_secret_is_shown(tmp_path: Path) -> None:
    env = {
        "BACKEND_URL": "http://user:canary-url@127.0.0.1:9",
        "JWT_SECRET": "canary-jwt",
        "REDIS_URL": "redis://:canary-redis@127.0.0.1:9",
        "SLACK_WEBHOOK": "http://127.0.0.1:9/canary-slack",
    }
    for more in ([], ["--json"]):
        done = await probe("--only", "http,redis", "doctor", *more, cwd=tmp_path, env=env)
        assert done.code == 2
        assert "canary" not in done.out + done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_data_folder_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    done = await probe(
        "doctor", "--offline", "--json", cwd=tmp_path, env={**NOWHERE, "PROBE_DATA": str(folder)}
    )
    assert states(document(done.out))["data folder"] == "not_ready"
    assert done.code == 2


@pytest.mark.parametrize("place", ["missing/deeper", "file/below"])
async def test_a_data_folder_that_cannot_exist_is_not_ready(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    env = {**NOWHERE, "PROBE_DATA": str(tmp_path / place)}
    done = await probe("doctor", "--offline", "--json", cwd=tmp_path, env=env)
    assert states(document(done.out))["data folder"] == "not_ready"
    assert done.code == 2


async def test_output_that_is_closed_early_is_said_on_stderr(tmp_path: Path) -> None:
    process = await start("doctor", "--offline", cwd=tmp_path, env=NOWHERE)
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr is not None
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 74
    assert said.count("probe: the report can't be written") == 1
    assert "Traceback" not in said


def test_variables_that_need_each_other_are_named_together() -> None:
    found = {each.name: each for each in missing_variables(Variables({}), KINDS, NOTIFIERS)}
    assert found["METERED_SECRET_KEY"].needs == ("METERED_APP",)
    assert found["METERED_SECRET_KEY"].adds == ("metered",)
    assert found["FLY_API_TOKEN"].adds
    assert "FLY_APP" in found["FLY_API_TOKEN"].needs
    assert found["REDIS_URL"].needs == ()


def test_a_variable_that_is_set_is_not_missing() -> None:
    variables = Variables({"REDIS_URL": "redis://localhost", "PROBE_DATA": "/data"})
    names = {each.name for each in missing_variables(variables, KINDS, NOTIFIERS)}
    assert not names & {"REDIS_URL", "PROBE_DATA"}
    assert "DATABASE_URL" in names


@pytest.mark.parametrize(
    ("ahead", "state"),
    [
        (0.4, SystemState.READY),
        (-1.9, SystemState.READY),
        (10.0, SystemState.ATTENTION),
        (-10.0, SystemState.ATTENTION),
        (3600.0, SystemState.NOT_READY),
        (-45.0, SystemState.NOT_READY),
    ],
)
def test_a_clock_that_is_wrong_is_named_by_how_much(ahead: float, state: SystemState) -> None:
    item = clock_item([ServerClock("a", ahead, 0.6), ServerClock("b", ahead, 0.6)])
    assert item.state is state
    if state is not SystemState.READY:
        assert (
            f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} 2 servers" == item.detail
        )


def test_one_server_with_a_wrong_clock_among_three_is_not_believed() -> None:
    readings = [ServerClock("server", ahead, 0.6) for ahead in (0, 7200, 0.2)]
    assert clock_item(readings).state is SystemState.READY


@pytest.mark.parametrize("stated", ["", "yesterday", "Thu, 32 Nov 2026 99:99:99 GMT", "0"])
def test_a_date_that_is_none_is_no_reading(stated: str) -> None:
    assert read_date("host", stated, 0.0, 0.1) is None


async def test_a_slow_answer_does_not_count_as_a_wrong_clock() -> None:
    """The server writes its date when it answers, the other half of the way is ours."""
    now = 1_800_000_000.0
    stated = format_datetime(datetime.fromtimestamp(now + 2.0, UTC), usegmt=True)
    reading = read_date("host", stated, sent=now, took=4.0)
    assert reading is not None
    assert abs(reading.ahead) <= reading.uncertainty


async def test_the_clock_is_read_from_what_is_monitored() -> None:
    context = Context(now=lambda: 1_000_000.0)

    async def page(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": "Mon, 12 Jan 1970 13:46:40 GMT"})

    app = web.Application()
    app.router.add_get("/health", page)
    app.router.add_get("/health/ready", page)
    async with serve(app) as url:
        plan = load_settings(KINDS, {"BACKEND_URL": url}, alone=True).plan
        async with asyncio.timeout(60):
            (reading,) = await clock_readings(plan, context)
    assert reading.ahead == pytest.approx(-0.5, abs=30)
    assert abs(reading.ahead) - reading.uncertainty < 1


@pytest.mark.parametrize("columns", ["60", "80"])
async def test_no_finding_and_no_remedy_is_cut_off(tmp_path: Path, columns: str) -> None:
    done = await probe("doctor", cwd=tmp_path, env={**NOWHERE, "COLUMNS": columns})
    assert "…" not in done.out
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    shown = " ".join(done.out.split())
    assert "Set SLACK_WEBHOOK or another receiver: alerts appear only on the status page." in shown
    # What goes on does so below its own text, and not below the marks.
    receivers = next(at for at, line in enumerate(lines) if "receivers" in line)
    column = lines[receivers].index("none")
    assert lines[receivers + 1][:column].isspace()
