"""``probe load`` as operators call it: what it refuses, exit codes, reports, signals, workers."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from probe.cli import main
from probe.config.probe_environment import ProbeEnvironment
from probe.lab import Lab
from tests.command import probe, start
from tests.contract.surface import EVERYTHING
from tests.load.loading import until

QUICK = ("--users=2", "--for=1s", "--think=50ms", "--steps=health,round_trip")


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert (found["schema"], found["kind"]) == (1, "load")
    return found


async def test_the_budget_is_stated_first_and_stdout_holds_the_report_alone(
    lab: Lab, tmp_path: Path
) -> None:
    done = await probe("load", *QUICK, "--format=json", cwd=tmp_path, env=lab.environment())
    found = document(done.out)
    codes = {"ok": 0, "objective_missed": 2, "unknown": 3}
    assert done.code == codes[found["verdict"]]
    assert found["iterations"]["completed"] > 0
    assert "budget, never exceeded: " in done.err
    assert "\r" not in done.err, "no progress without a terminal"
    assert found["budget"]["used"]["requests"] <= found["budget"]["limit"]["requests"]
    assert {"p50_seconds", "p95_seconds", "p99_seconds", "max_seconds"} <= {*found["steps"][0]}
    assert found["own"]["loop_lag_p95_seconds"] is not None
    assert found["coordinated_omission"]["corrected_by"] == "expected_interval"


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--users=51",), {"BACKEND_URL": "http://127.0.0.1:9"}, "51 users are more than 50"),
        ((), {"BACKEND_URL": "http://93.184.216.34"}, "93.184.216.34 has a public address"),
        ((), {"BACKEND_URL": "http://[2606:2800::1]"}, "2606:2800::1 has a public address"),
        ((), {"BACKEND_URL": "http://no-such-host.invalid"}, "no-such-host.invalid"),
        ((), {}, "there is nothing to check"),
        ((), {"TURN_URLS": "turn:127.0.0.1"}, "BACKEND_URL is not set"),
        (("--steps=dance",), {"BACKEND_URL": "http://127.0.0.1:9"}, "'dance' is not a step"),
        (("--ramp=2m",), {"BACKEND_URL": "http://127.0.0.1:9"}, "--ramp: is longer than --for"),
        (("--users=2", "--workers=3"), {"BACKEND_URL": "http://127.0.0.1:9"}, "more than --users"),
        (("--max-requests=2",), {"BACKEND_URL": "http://127.0.0.1:9"}, "less than one iteration"),
        (("--for=0s",), {}, "'0s' is not a time"),
        (("--for=-5",), {}, "'-5' is not a time"),
        (("--for=nan",), {}, "'nan' is not a time"),
        (("--rate=0",), {}, "'0' is not a number of iterations"),
        (("--rate=nan",), {}, "'nan' is not a number of iterations"),
        (("--users=0",), {}, "'0' is not a whole number from 1 to 100000"),
        (("--output=no/such/folder.json",), {}, "there is no folder"),
    ],
)
def test_what_is_refused_is_64_and_nothing_is_sent(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*ProbeEnvironment.variable_names(), *EVERYTHING):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["probe", "load", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == 64
    assert said in err
    assert out == ""


def test_without_its_library_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("probe.commands.load.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["probe", "load", "--for", "1s"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 64
    assert "paircam-probe[load]" in capsys.readouterr().err


async def test_a_public_relay_of_a_local_backend_is_refused_too(lab: Lab, tmp_path: Path) -> None:
    lab.backend.turn_urls = ["turn:93.184.216.34:3478"]
    done = await probe("load", "--users=1", "--for=5s", cwd=tmp_path, env=lab.environment())
    assert done.code == 64
    assert "--yes-i-own-this: the backend issues turn:93.184.216.34" in done.err


@pytest.mark.proof
async def test_a_missed_objective_is_2_and_every_format_says_so(lab: Lab, tmp_path: Path) -> None:
    lab.backend.knobs.redis = "down"
    for form in ("table", "json", "junit", "html"):
        report = tmp_path / form
        done = await probe(
            "load", *QUICK, f"--format={form}", f"--output={report}",
            cwd=tmp_path, env=lab.environment(),
        )  # fmt: skip
        assert done.code == 2
        assert done.out.startswith("OBJECTIVE MISSED")
        text = report.read_text()
        assert "service_down" in text
        if form == "json":
            assert document(text)["errors"][0]["cause"] == "service_down"
        if form == "junit":
            suite = ET.fromstring(text)[0]
            assert int(suite.get("failures", "0")) >= 2
        if form == "html":
            assert "<svg" in text
            assert "<script" not in text
            assert "http://www" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGINT, 1),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.proof),
        pytest.param(signal.SIGINT, 2, marks=pytest.mark.proof),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.proof),
    ],
)
async def test_a_signal_gives_what_was_measured_and_130(
    lab: Lab, tmp_path: Path, number: signal.Signals, workers: int
) -> None:
    process = await start(
        "load", "--users=2", "--for=1h", "--think=50ms", "--format=json", f"--workers={workers}",
        cwd=tmp_path, env=lab.environment(),
    )  # fmt: skip
    await until(lambda: lab.backend.requests["/turn/credentials"] >= 4)
    process.send_signal(number)
    out, err = await process.communicate()
    assert process.returncode == 130, err.decode()
    found = document(out.decode())
    assert found["interrupted"] is True
    assert found["stopped_by"] == "interrupted"
    assert found["iterations"]["completed"] >= 1
    await until(lambda: not (lab.backend.sessions or lab.primary.allocations))


def children_of(parent: int) -> list[int]:
    """The processes that this one has started."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(word) for word in found.split()]


def is_alive(pid: int) -> bool:
    """Whether a process is there that has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_worker_that_is_killed_is_named_and_the_rest_counts(
    lab: Lab, tmp_path: Path
) -> None:
    process = await start(
        "load", *QUICK[2:], "--users=4", "--for=8s", "--workers=2", "--format=json",
        cwd=tmp_path, env=lab.environment(),
    )  # fmt: skip
    await until(lambda: lab.backend.requests["/health"] >= 10)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    out, err = await process.communicate()
    found = document(out.decode())
    assert process.returncode in (0, 2, 3), err.decode()
    (lost,) = found["workers"]["lost"]
    assert lost.startswith("worker 1 was killed by SIGKILL")
    assert found["workers"]["count"] == 2
    assert found["iterations"]["completed"] > 0


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_workers_end_with_the_command_that_is_killed(lab: Lab, tmp_path: Path) -> None:
    process = await start(
        "load", *QUICK[2:], "--users=2", "--for=1h", "--workers=2",
        cwd=tmp_path, env=lab.environment(),
    )  # fmt: skip
    await until(lambda: lab.backend.sessions > 0)
    workers = children_of(process.pid)
    assert len(workers) >= 2
    process.kill()
    await process.communicate()
    await until(lambda: not any(map(is_alive, workers)))
    await until(lambda: lab.backend.sessions == 0)


async def test_a_full_disk_is_74_and_the_table_is_printed_all_the_same(
    lab: Lab, tmp_path: Path
) -> None:
    """RLIMIT_FSIZE stands for the disk: a file of more than a kilobyte can't be written."""
    report = tmp_path / "report.html"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024));"
        "sys.argv[0] = 'probe'; from probe.cli import main; main()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-B", "-c", code, "load", *QUICK, "--format=html", f"--output={report}",
        cwd=tmp_path, env={**os.environ, **lab.environment()},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 74, err.decode()
    assert "can't be written: File too large" in err.decode()
    assert "round_trip" in out.decode()
    assert os.listdir(tmp_path) == [], "nothing is left behind"


async def test_output_that_is_closed_early_is_74_without_a_traceback(
    lab: Lab, tmp_path: Path
) -> None:
    process = await start("load", *QUICK, cwd=tmp_path, env=lab.environment())
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 74
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.proof
async def test_no_secret_is_in_any_report(lab: Lab, tmp_path: Path) -> None:
    environment = lab.environment()
    secrets = [environment[name] for name in ("JWT_SECRET", "TURN_PASSWORD", "TURN_SHARED_SECRET")]
    lab.backend.knobs.redis = "down"
    for form in ("table", "json", "junit", "html"):
        done = await probe("load", *QUICK, f"--format={form}", cwd=tmp_path, env=environment)
        assert not any(secret in done.out + done.err for secret in secrets)
