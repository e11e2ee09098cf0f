"""The command line's contract: exit codes, what goes where, and what is said of mistakes."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from tests.command import probe, start

HEALTHY = {
    "status": "ok",
    "version": "1.4.2",
    "uptime": 10,
    "services": {"postgres": "up", "redis": "up", "pubsub": "up"},
    "instance": {"id": "new-machine"},
}


@dataclass
class Target:
    """A web server whose answers a test sets; counts what it was asked."""

    url: str = ""
    status: int = 200
    body: Mapping[str, object] = field(default_factory=lambda: dict(HEALTHY))
    asked: list[str] = field(default_factory=list)
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    hangs: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as told."""
        self.asked.append(request.path)
        self.seen.set()
        if self.hangs:
            await asyncio.Event().wait()
        return web.json_response(self.body, status=self.status)

    def config(self, *lines: str) -> str:
        """A ``probe.toml`` with one check of this server, named ``site``."""
        table = ["[[http]]", 'name = "site"', f'url = "{self.url}/health"', 'body = "health"']
        return "\n".join([*table, *lines]) + "\n"


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    """A server that is well."""
    target = Target()
    app = web.Application()
    app.router.add_get("/{tail:.*}", target.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    target.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield target
    await runner.cleanup()


@pytest.fixture
def folder(tmp_path: Path, target: Target) -> Path:
    """A folder whose ``probe.toml`` watches the server."""
    (tmp_path / "probe.toml").write_text(target.config())
    return tmp_path


async def test_a_passing_run_exits_0_with_the_table_on_stdout_and_nothing_on_stderr(
    folder: Path,
) -> None:
    done = await probe("--once", cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("OK")
    assert "site" in done.out
    assert "BACKEND_URL is not set" in done.out


async def test_critical_is_2_and_the_first_line_names_it(folder: Path, target: Target) -> None:
    target.body = {**HEALTHY, "status": "degraded", "services": {"redis": "down"}}
    done = await probe("--once", cwd=folder)
    assert done.code == 2
    assert done.out.splitlines()[0].startswith("CRITICAL")
    assert "site: redis is down" in done.out.splitlines()[0]


async def test_never_is_0_whatever_is_found(folder: Path, target: Target) -> None:
    target.status = 500
    assert (await probe("--once", "--fail-on", "never", cwd=folder)).code == 0


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 0), ("warning", 1)])
async def test_warning_is_1_only_if_asked_for(
    folder: Path, target: Target, fail_on: str, code: int
) -> None:
    target.status = 500
    (folder / "probe.toml").write_text(target.config('severity = "warning"'))
    assert (await probe("--once", "--fail-on", fail_on, cwd=folder)).code == code


async def test_not_measured_is_3(folder: Path, target: Target) -> None:
    target.status = 429
    done = await probe("--once", cwd=folder)
    assert done.code == 3
    assert "rate_limited" in done.out


async def test_the_deadline_cuts_a_run_short_and_the_check_has_failed(
    folder: Path, target: Target
) -> None:
    target.hangs = True
    done = await probe("--once", "--deadline", "0.5", "--format", "json", cwd=folder)
    (check,) = json.loads(done.out)["checks"]
    assert (done.code, check["failure"]["cause"]) == (2, "deadline")
    assert check["failure"]["phase"] == "processing"


async def test_interrupted_is_130(folder: Path, target: Target) -> None:
    target.hangs = True
    (folder / "probe.toml").write_text(target.config("deadline = 120"))
    process = await start("--once", cwd=folder)
    await target.seen.wait()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--onec"], "No such option"),
        (["--once", "--format", "xml"], "'xml' is not one of"),
        (["--once", "--deadline", "0"], "'0' must be a number of seconds above 0"),
        (["--once", "--wait", "nan"], "'nan' must be a number of seconds"),
        (["--once", "--expect-new-instance", ""], "--expect-new-instance: is empty"),
        (["--once", "--only", "site,"], "has an empty name in it"),
        (["--once", "--only", "sight"], 'no such check or kind: did you mean "site"?'),
        (["--once", "--require", "turn"], "not configured: TURN_URLS is not set"),
        (["--once", "--env-file", "no.env"], "there is no such file"),
        (["--once", "--output", "no/such/report.json"], "there is no folder no/such"),
        (["frobnicate"], "No such command 'frobnicate'. Known are alerts, annotate, "),
        (["incidents", "list"], "No such command 'list'. Known are acknowledge, export, note."),
        (["stauts"], "No such command 'stauts'. Did you mean 'status'?"),
        (["--format", "json"], "add --once"),
    ],
)
async def test_a_wrong_call_is_64_and_says_what_would_be_right(
    folder: Path, target: Target, arguments: list[str], words: str
) -> None:
    done = await probe(*arguments, cwd=folder)
    assert (done.code, done.out) == (64, "")
    assert words in done.err
    assert target.asked == []


async def test_every_mistake_of_the_configuration_has_a_line(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text('[[http]]\nname = "a"\nulr = "http://a"\n')
    env = {"LOG_LEVEL": "loud", "BACKEND_URL": "paircam.live", "TURN_URLS": "turn:a:99999"}
    for command in (["--once"], ["check-config"], ["list"]):
        done = await probe(*command, cwd=tmp_path, env=env)
        assert done.code == 64
        places = [line.split(":")[1].strip() for line in done.err.splitlines()]
        assert {"BACKEND_URL (environment)", "LOG_LEVEL (environment)"} <= set(places)
        assert any("TURN_URLS" in line and "entry 1" in line for line in done.err.splitlines())
        assert any("[[http]] entry 1" in line for line in done.err.splitlines())
        assert "Traceback" not in done.err


async def test_an_empty_plan_is_64(tmp_path: Path) -> None:
    done = await probe("--once", cwd=tmp_path)
    assert done.code == 64
    assert "there is nothing to check: set BACKEND_URL or TURN_URLS" in done.err


async def test_variables_come_from_a_file_too(tmp_path: Path, target: Target) -> None:
    (tmp_path / ".env").write_text(f"BACKEND_URL={target.url}\nSOMETHING_ELSE=1\n")
    done = await probe("--once", "--only", "health", "--format", "json", cwd=tmp_path)
    assert done.code == 0
    assert [check["name"] for check in json.loads(done.out)["checks"]] == ["health"]


async def test_with_an_output_file_the_report_goes_there_and_people_get_the_table(
    folder: Path,
) -> None:
    done = await probe("--once", "--format", "junit", "--output", "report.xml", cwd=folder)
    assert (folder / "report.xml").read_text().startswith("<?xml")
    assert done.out.startswith("OK")


async def test_github_gets_annotations_and_a_summary(folder: Path, target: Target) -> None:
    target.status = 500
    summary = folder / "summary.md"
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    done = await probe("--once", "--format", "github", cwd=folder, env=env)
    assert done.out.startswith("::error title=")
    assert "500 Internal Server Error" in summary.read_text()


async def test_the_version_and_instance_that_are_expected_must_answer(folder: Path) -> None:
    right = ["--expect-version", "1.4.2", "--expect-new-instance", "old-machine"]
    assert (await probe("--once", *right, cwd=folder)).code == 0
    old = await probe("--once", "--expect-new-instance", "new-machine", cwd=folder)
    assert (old.code, "old_instance" in old.out) == (2, True)
    wrong = await probe("--once", "--expect-version", "1.5.0", cwd=folder)
    assert (wrong.code, "version_mismatch" in wrong.out) == (2, True)


async def test_waiting_ends_as_soon_as_all_checks_pass(folder: Path, target: Target) -> None:
    target.status = 503
    process = await start("--once", "--wait", "120", cwd=folder)
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    assert line.startswith("probe: waiting for site (http_status: ")
    target.status = 200
    await process.communicate()
    assert process.returncode == 0


async def test_waiting_gives_up_on_a_failure_that_a_second_run_confirms(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text('[[http]]\nname = "site"\nurl = "http://192.0.2.7/"\n')
    done = await probe("--once", "--wait", "600", cwd=tmp_path)
    assert done.code == 2
    assert "no use waiting for site (address_reserved: " in done.err


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
async def test_terminated_cleans_up_and_is_143(
    folder: Path, target: Target, ending: signal.Signals
) -> None:
    """SIGHUP is how a terminal that is closed ends what runs in it."""
    target.hangs = True
    process = await start("--once", cwd=folder)
    await target.seen.wait()
    process.send_signal(ending)
    _, err = await process.communicate()
    assert (process.returncode, err.decode().strip()) == (143, "probe: terminated")


async def test_a_summary_that_cannot_be_written_changes_nothing(folder: Path) -> None:
    env = {"GITHUB_STEP_SUMMARY": str(folder / "no" / "summary.md")}
    done = await probe("--once", "--format", "github", cwd=folder, env=env)
    assert (done.code, "GITHUB_STEP_SUMMARY" in done.err) == (0, True)


async def test_a_report_in_a_file_has_no_colours_and_people_still_get_the_table(
    folder: Path,
) -> None:
    env = {"FORCE_COLOR": "1"}
    done = await probe("--once", "--output", "report.txt", cwd=folder, env=env)
    assert "\x1b" not in (folder / "report.txt").read_text()
    assert "\x1b" in done.out
    assert "site" in done.out


async def test_check_config_and_list_ask_no_one(folder: Path, target: Target) -> None:
    checked = await probe("check-config", cwd=folder)
    listed = await probe("list", cwd=folder)
    assert (checked.code, listed.code) == (0, 0)
    assert "1 check (site)" in checked.out
    assert "probe_http_duration_seconds" in listed.out
    assert "TURN_URLS is not set" in listed.out
    assert target.asked == []


async def test_no_secret_is_ever_printed(tmp_path: Path, target: Target) -> None:
    target.status = 500
    secret = "hunter2-hunter2"
    address = target.url.replace("http://", f"http://user:{secret}@")
    env = {
        "BACKEND_URL": f"{address}",
        "JWT_SECRET": secret,
        "TURN_URLS": "turn:127.0.0.1:9",
        "TURN_USERNAME": "probe",
        "TURN_PASSWORD": secret,
        "LOG_LEVEL": "silly",
    }
    for arguments in (["--format", "json"], ["--format", "table"], ["--format", "github"]):
        once = ["--once", "--deadline", "2", *arguments]
        done = await probe(*once, cwd=tmp_path, env=env)
        assert done.code == 2
        assert secret not in done.out + done.err
    listed = await probe("list", cwd=tmp_path, env=env)
    assert secret not in listed.out + listed.err


async def test_list_says_which_source_of_a_signal_counts(tmp_path: Path) -> None:
    env = {
        "APP_METRICS_URL": "https://paircam.example/metrics",
        "PROBE_PEERS": "https://probe.example",
        "PROBE_PEER_TOKEN": "a-token-of-two-probes",
    }
    alone = await probe("list", cwd=tmp_path, env={**env, "APP_METRICS_URL": ""})
    assert "Sources" not in alone.out
    both = await probe("list", cwd=tmp_path, env=env)
    [row] = [line for line in both.out.splitlines() if line.startswith("probe_ice_success_ratio ")]
    assert row.split() == ["probe_ice_success_ratio", "app-metrics", "peer-probe.example"]
