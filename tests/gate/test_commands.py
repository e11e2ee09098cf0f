"""`probe watch` and `probe report` as processes: killed, continued, without room, misused."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from probe.commands.gate.planning import gate_plan
from probe.commands.gate.reporting import window_of
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.core.model import Status, Verdict
from probe.history.model import ResultRow
from probe.history.store import HistoryStore
from probe.history.write_queue import ChangeQueue, WriteQueue
from probe.kinds import KINDS
from probe.lab import Lab
from tests import command
from tests.gate.release import DAY, START, _Sink

ONE = ("--only", "health")


async def backend_of(lab: Lab, folder: Path) -> dict[str, str]:
    return {"BACKEND_URL": lab.environment()["BACKEND_URL"], "PROBE_DATA": str(folder)}


async def test_killed_in_the_middle_the_same_command_continues_it(tmp_path: Path) -> None:
    async with Lab() as lab:
        env = await backend_of(lab, tmp_path / "data")
        watch = (*ONE, "watch", "--for", "14s", "--format", "json")
        process = await command.start(*watch, cwd=tmp_path, env=env)
        lab.backend.requests.clear()
        async with asyncio.timeout(60):
            while lab.backend.requests["/health"] < 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        process.kill()
        await process.wait()
        done = await command.probe(*watch, "--report", "out.md", cwd=tmp_path, env=env)
    found = json.loads(done.out)
    assert "continuing the watch of 14 s" in done.err
    assert done.code == 3
    assert found["verdict"] == "not_decided"
    (available,) = [row for row in found["objectives"] if row["name"] == "health/availability"]
    assert available["by_time_seconds"]["bad"] == 0
    assert found["elapsed_seconds"] == 14
    assert "NOT DECIDED" in (tmp_path / "out.md").read_text()
    stored = json.loads((tmp_path / "data" / "watch.json").read_text())
    assert stored["verdict"] == "not_decided"


RUNS = 5000


def history_of(folder: Path, failing: range) -> None:
    """A check of ten seconds, in which runs of these numbers fail."""
    store = HistoryStore(
        folder, None, lambda: START + 10 * RUNS, WriteQueue(20_000), ChangeQueue(1000)
    )
    store.open()
    sink = _Sink(store)
    for run in range(RUNS):
        bad = run in failing
        sink.add(
            ResultRow(
                "health",
                START + 10 * run,
                0.1,
                Status.FAILED if bad else Status.OK,
                Verdict.CRITICAL if bad else Verdict.OK,
                "connect" if bad else "",
                "connect_refused" if bad else "",
                "nothing listens <there> | `x`" if bad else "",
                samples=(("probe_http_response_seconds", (), 0.1),),
            )
        )
    store.close()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with fourteen hours, half an hour of them without the backend."""
    folder = tmp_path_factory.mktemp("past")
    history_of(folder, range(1000, 1180))
    return folder


BACKEND = {"BACKEND_URL": "http://127.0.0.1:9"}
SINCE = ("--since", "2026-01-01T00:00Z")


async def test_a_window_before_a_fault_is_go_and_one_with_it_rolls_back(
    past: Path, tmp_path: Path
) -> None:
    env = {**BACKEND, "PROBE_DATA": str(past)}
    (tmp_path / "probe.toml").write_text(
        '[[gate]]\nname = "error-rate"\nlimit = 0.99\n[[gate]]\nname = "rtt"\n'
        'checks = ["health"]\nsignal = "probe_http_response_seconds"\n'
        'statistic = "mean"\nlimit = 1\n'
    )
    files = ("--report", "r.html", "--report", "r.md", "--report", "r.json")
    good = await command.probe(
        *ONE, "report", *SINCE, "--until", "2026-01-01T02:30Z", cwd=tmp_path, env=env
    )
    bad = await command.probe(
        *ONE, "report", *SINCE, "--until", "2026-01-01T13:00Z", *files, cwd=tmp_path, env=env
    )
    assert (good.code, good.out.split(":")[0]) == (0, "GO")
    assert (bad.code, bad.out.split(":")[0]) == (2, "ROLL BACK")
    found = json.loads((tmp_path / "r.json").read_text())
    (incident,) = found["incidents"]
    assert incident["duration_seconds"] == 1800
    assert incident["cause"] == "connect_refused"
    page, text = (tmp_path / "r.html").read_text(), (tmp_path / "r.md").read_text()
    assert "&lt;there&gt;" in page
    assert "<svg" in page
    assert "<script" not in page
    assert 'aria-label="Incidents"' in page
    ticks = re.findall(r'<text (?:class="minor" )?x="([0-9.]+)%" y="12" text-anchor="(\w+)">', page)
    assert [anchor for _, anchor in ticks] == ["start", *["middle"] * (len(ticks) - 2), "end"]
    # The last one stands where the lanes end.
    cells = re.findall(r'x="([0-9.]+)%" y="[0-9]+" width="([0-9.]+)%"', page)
    right = max(float(x) + float(width) for x, width in cells)
    assert float(ticks[-1][0]) == pytest.approx(right, abs=0.5)
    assert page.count("<table") == page.count('<table class="gate stack" role="table" aria-label=')
    assert "```mermaid" in text
    assert "&#124;" in text
    assert "<there>" not in text


async def test_what_fails_again_and_again_is_one_line_and_what_is_not_proven_is_said_so(
    tmp_path: Path,
) -> None:
    """Single failures of a check that runs each 10 s: each may have lasted a moment or 20 s."""
    folder = tmp_path / "data"
    folder.mkdir()
    history_of(folder, range(7, 5000, 90))
    (tmp_path / "probe.toml").write_text('[[gate]]\nname = "error-rate"\nlimit = 0.9\n')
    env = {**BACKEND, "PROBE_DATA": str(folder)}
    window = (*SINCE, "--until", "2026-01-01T13:53Z")
    done = await command.probe(*ONE, "report", *window, cwd=tmp_path, env=env)
    lines = done.out.splitlines()
    (incident,) = [line for line in lines if "connect_refused" in line]
    assert "56 times, 9 min in all" in incident
    (place,) = [n for n, line in enumerate(lines) if line.startswith("?  health/availability")]
    assert "perhaps overspent" in lines[place + 1]
    assert "; 56 incidents" in lines[0]


@pytest.mark.parametrize(("since", "noted"), [("23:59:50Z", False), ("23:50Z", True)])
async def test_that_history_begins_late_is_noted_where_runs_are_missing(
    past: Path, tmp_path: Path, since: str, noted: bool
) -> None:
    env = {**BACKEND, "PROBE_DATA": str(past)}
    window = ("--since", f"2025-12-31T{since}", "--until", "2026-01-01T01:00Z")
    done = await command.probe(*ONE, "report", *window, cwd=tmp_path, env=env)
    assert ("the history begins within this window" in done.out) is noted


async def test_a_wrong_call_says_what_would_be_right(past: Path, tmp_path: Path) -> None:
    env = {**BACKEND, "PROBE_DATA": str(past)}
    wrong = (*ONE, "report", "--report", "r.pdf", "--report", "none/r.md")
    done = await command.probe(*wrong, cwd=tmp_path, env=env)
    assert done.code == 64
    assert "--report r.pdf: name it" in done.err
    assert "there is no folder none" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("yesterday", None, "--since: 'yesterday' is not a time"),
        ("1h", "2099-01-01", "--until: is in the future"),
        ("1h", "2h", "--since: is not before --until"),
        ("-5", None, "--since: '-5' is not a time"),
    ],
)
def test_a_wrong_window_says_what_would_be_right(since: str, until: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        window_of(since, until, START)
    assert said in str(wrong.value.problems[0])


def test_a_window_is_given_in_any_of_three_ways() -> None:
    assert window_of("24h", None, START) == (START - DAY, START)
    assert window_of("2025-12-31T23:00Z", "1800s", START) == (START - 3600, START - 1800)
    assert window_of("2025-12-31T23:00:00+01:00", str(START), START) == (START - 7200, START)


async def test_an_output_that_is_full_is_an_error_and_the_files_are_written(
    past: Path, tmp_path: Path
) -> None:
    env = {**BACKEND, "PROBE_DATA": str(past), "GITHUB_STEP_SUMMARY": "/dev/full"}
    shell = ("sh", "-c", '"$@" >/dev/full', "sh")
    arguments = (*ONE, "report", *SINCE, "--until", "2026-01-01T02:30Z", "--report", "r.md")
    done = await command.probe(*arguments, cwd=tmp_path, env=env, prefix=shell)
    assert done.code == 74
    assert "the report can't be written: No space left on device" in done.err
    assert "GITHUB_STEP_SUMMARY: No space left on device" in done.err
    assert (tmp_path / "r.md").read_text().startswith("### ")
    assert "Traceback" not in done.err


async def test_another_duration_does_not_throw_an_interrupted_watch_away(tmp_path: Path) -> None:
    (tmp_path / "watch.json").write_text(
        '{"schema": 1, "started_at": 1, "planned": 7200, "first_id": 0, "interruptions": []}'
    )
    env = {**BACKEND, "PROBE_DATA": str(tmp_path)}
    done = await command.probe(*ONE, "watch", "--for", "1h", cwd=tmp_path, env=env)
    assert done.code == 64
    assert "a watch of 2 h was interrupted" in done.err
    assert "--new" in done.err
    (tmp_path / "watch.json").write_text("{")
    done = await command.probe(*ONE, "watch", "--for", "1h", cwd=tmp_path, env=env)
    assert done.code == 64
    assert "--new begins another watch" in done.err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('name = "x"\nlimit = 1', 'set "checks"'),
        ('name = "x"\nchecks = ["health"]', 'set "limit"'),
        ('name = "x"\nchecks = ["helth"]\nlimit = 1', 'did you mean "health"?'),
        ('name = "x"\nchecks = ["http"]\nlimit = 1\nsignal = "probe_x"', "no such signal"),
        ('name = "x"\nstatistic = "p95"\nlimit = 1', 'is of a signal: set "signal"'),
        ('name = "error-rate"\nstatistic = "success"\nlimit = 99.9', "a share between 0 and 1"),
        ('name = "x"\nlimmit = 1', 'did you mean "limit"?'),
        ('name = "error-rate"\n[[gate]]\nname = "error-rate"', "is there twice"),
    ],
)
def test_a_wrong_gate_table_says_what_would_be_right(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "probe.toml"
    path.write_text(f"[[gate]]\n{table}\n")
    environ = {**BACKEND, "PROBE_CONFIG": str(path)}
    with pytest.raises(ConfigurationError) as wrong:
        gate_plan(load_settings(KINDS, environ, env_file=None), 0.95, partial=False)
    assert said in str(wrong.value.problems[0])
