"""The whole action, step by step, as a workflow runs it: installed, from an image, rolled back."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from probe.lab import Lab
from tests.ci.composite import CompositeRun, Runner
from tests.ci.test_action import ACTION, GITHUB, ROOT
from tests.servers.receivers.slack import SlackWebhookService, shown

MAX_SUMMARY = 1 << 20
# Docker as far as the action uses it: the image's program with the variables that are named alone.
DOCKER = """#!/usr/bin/env bash
set -euo pipefail
echo "docker $*" >>"$RUNNER_TEMP/docker.log"
[ "$1" = run ] || exit 0
shift
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --env) names+=("$2=${!2}"); shift 2 ;;
    --volume) [ -e "${2%%:*}" ] || { echo "no ${2%%:*}" >&2; exit 125; }; shift 2 ;;
    --network | --user) shift 2 ;;
    --rm) shift ;;
    *) break ;;
  esac
done
image=$1
shift
base=(PATH=/usr/bin:/bin PYTHONPATH=@ROOT@ PROBE_SECRETS_DIR=none)
exec env -i "${base[@]}" "${names[@]}" @PYTHON@ -m probe "$@"
"""


def runner(folder: Path, lab: Lab, **env: str) -> Runner:
    """A job of a workflow whose secrets are these."""
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    (folder / "summary.md").touch()
    given = {**GITHUB, **summary, "BACKEND_URL": lab.environment()["BACKEND_URL"], **env}
    return Runner(ACTION, given, folder)


def installed(folder: Path) -> str:
    """A program that is there already."""
    binary = folder / "probe"
    binary.write_text(f'#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {sys.executable} -m probe "$@"\n')
    binary.chmod(0o755)
    return str(binary)


def names(run: CompositeRun) -> list[str]:
    return [step.name for step in run.ran]


async def test_a_broken_deployment_is_annotated_sent_rolled_back_and_fails_the_job(
    tmp_path: Path,
) -> None:
    async with Lab() as lab, SlackWebhookService() as slack:
        lab.backend.knobs.redis = "down"
        hook = f"{slack.url}/services/T/B/secret-of-the-webhook"
        job = runner(tmp_path, lab, SLACK_WEBHOOK=hook, PROBE_BIN=installed(tmp_path))
        run = await job.run(arguments="--only health", notify="true", rollback="echo back to 1.4")
        (message,) = slack.taken
    assert names(run) == ["Install", "Check", "Roll back", "Verdict"]
    assert run.skipped == ["Mark the deployment"]
    assert [each.partition("@")[0] for each in run.used] == [
        "actions/setup-python",
        "actions/upload-artifact",
    ]
    assert (run.code, run.outputs["exit-code"]) == (2, "2")
    assert "::error title=probe%3A health is critical::" in run.step("Check").out
    assert run.step("Roll back").out.endswith("back to 1.4\n")
    assert "service_down" in shown(message)
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("### ✗ CRITICAL")
    assert len(summary.encode()) < MAX_SUMMARY
    report = json.loads((tmp_path / "probe-report" / "run.json").read_text())
    assert report["verdict"] == "critical"


async def test_from_an_image_only_named_variables_and_the_reports_reach_the_container(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    docker = folder / "docker"
    docker.write_text(DOCKER.replace("@ROOT@", str(ROOT)).replace("@PYTHON@", sys.executable))
    docker.chmod(0o755)
    async with Lab() as lab:
        job = runner(tmp_path, lab, UNRELATED_SECRET="of-another-step")
        job.env["PATH"] = f"{folder}:{os.environ['PATH']}"
        run = await job.run(arguments="--only health", image="registry.example/probe:1.5.0")
    assert names(run) == ["Install", "Check", "Verdict"]
    assert run.skipped[0].startswith("actions/setup-python@")
    assert run.code == 0, run.step("Check").out
    calls = (tmp_path / "docker.log").read_text()
    assert calls.startswith("docker pull --quiet registry.example/probe:1.5.0\n")
    assert "UNRELATED_SECRET" not in calls
    assert "--env BACKEND_URL" in calls
    assert json.loads((tmp_path / "probe-report" / "run.json").read_text())["verdict"] == "ok"
    assert (tmp_path / "summary.md").read_text().startswith("### ✓ OK")


def copied(tree: Path) -> Path:
    """The tree as a tag has it, without tests and pictures."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(("tests/", "docs/images/")) and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.mark.proof
async def test_the_install_step_installs_the_tree(tmp_path: Path) -> None:
    """In an environment of its own. The locked requirements come from a registry; here they are
    those of this environment, and none of them is fetched."""
    tree = copied(tmp_path / "tree")
    (tree / "requirements.txt").write_text("")
    async with Lab() as lab:
        packages = sysconfig.get_path("purelib")
        job = Runner(
            tree / ".github" / "actions" / "probe",
            {
                **GITHUB,
                "BACKEND_URL": lab.environment()["BACKEND_URL"],
                "PYTHONPATH": packages,
                "PIP_NO_INDEX": "1",
            },
            tmp_path,
        )
        run = await job.run(arguments="--only health")
    assert run.code == 0, "\n".join(step.out for step in run.ran)
    installed_at = tmp_path / "probe-venv"
    assert (installed_at / "bin" / "probe").is_file()
    assert list(installed_at.glob("lib/python*/site-packages/probe/report/html/page.css"))
