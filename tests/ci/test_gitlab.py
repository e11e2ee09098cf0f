"""The steps for GitLab as the page has them, run in a fresh folder as a runner runs them."""

import re
import shlex
import subprocess
import sys
from asyncio import to_thread
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from probe import exit_codes
from probe.lab import Lab
from tests.ci.test_action import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
JOBS: dict[str, Any] = yaml.safe_load(
    next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "junit" in block)
)


def prepared(folder: Path) -> dict[str, str]:
    """A folder with nothing but programs: ``pip`` notes what it is to install."""
    binaries = folder / "bin"
    binaries.mkdir()
    tools = {
        "probe": f'export PYTHONPATH={ROOT}\nexec {shlex.quote(sys.executable)} -m probe "$@"',
        "pip": f'echo "$*" >>{folder}/pip.log',
        "fly": f'echo "$*" >>{folder}/fly.log',
    }
    for name, text in tools.items():
        (binaries / name).write_text(f"#!/bin/sh\n{text}\n")
        (binaries / name).chmod(0o755)
    path = f"{binaries}:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(folder), "CI": "true", "GITLAB_CI": "true"}


# No Slack here, and the marker's daemon is none of this machine's.
HERE = {
    " --notify": "",
    "https://probe.paircam.live": "http://127.0.0.1:9",
    "--wait 120": "--wait 1",
}


def run(job: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A job's lines in one shell that ends at the first failure, as GitLab's runner does."""
    work = folder / "builds"
    work.mkdir(exist_ok=True)
    script = "\n".join(["set -eo pipefail", *JOBS[job]["script"]])
    for old, new in HERE.items():
        script = script.replace(old, new)
    given = {**{key: str(value) for key, value in JOBS[job].get("variables", {}).items()}, **env}
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=work, env=given, capture_output=True, text=True, check=False)


def fails(code: int) -> bool:
    """Whether the job counts as failed, so that ``rollback`` runs."""
    return code not in (0, *JOBS["probe"]["allow_failure"]["exit_codes"])


async def test_the_steps_check_report_and_roll_back(tmp_path: Path) -> None:
    async with Lab() as lab:
        lab.backend.knobs.redis = "down"
        given = {**prepared(tmp_path), **lab.environment(), "CI_COMMIT_TAG": "v1.5.0"}
        done = await to_thread(run, "probe", tmp_path, given)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "git+https://" in (tmp_path / "pip.log").read_text()
    report = ElementTree.parse(tmp_path / "builds" / "probe.xml").getroot()
    assert report.tag == "testsuites"
    assert fails(done.returncode)
    rolled = run("rollback", tmp_path, {**given, "OLD_IMAGE": "registry.example/app:1.4"})
    assert rolled.returncode == 0
    assert "--image registry.example/app:1.4" in (tmp_path / "fly.log").read_text()


def test_what_could_not_be_measured_takes_no_release_back() -> None:
    own = {value for value in vars(exit_codes).values() if isinstance(value, int)}
    assert {code for code in (0, 1, 2, 3, *own) if fails(code)} == {
        2,
        exit_codes.INTERRUPTED,
        exit_codes.TERMINATED,
    }
    assert JOBS["rollback"]["when"] == "on_failure"
    assert JOBS["rollback"]["needs"] == ["probe"]
    assert not JOBS["probe"]["image"].endswith("-slim")  # git is not in it
