"""The composite action's shell steps, run with the environment of GitHub, of GitLab and of none."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from probe.lab import Lab
from tests.servers.receivers.slack import SlackWebhookService, problem, shown

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / ".github" / "actions" / "probe"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "paircam/backend",
    "GITHUB_RUN_ID": "42",
    "GITHUB_SHA": "c0ffee0123456789c0ffee0123456789c0ffee01",
    "GITHUB_ACTOR": "ada",
    "GITHUB_REF_NAME": "v1.5.0",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "paircam/backend",
    "CI_JOB_URL": "https://gitlab.com/paircam/backend/-/jobs/7",
    "CI_COMMIT_SHA": "c0ffee0123456789c0ffee0123456789c0ffee01",
    "CI_COMMIT_AUTHOR": "Ada <ada@example.org>",
    "CI_COMMIT_REF_NAME": "main",
}


def definition() -> dict[str, Any]:
    """What action.yml says."""
    return dict(yaml.safe_load((ACTION / "action.yml").read_text()))


class Job:
    """One job of a pipeline: steps run one after the other in its folders."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.summary, self.output = folder / "summary.md", folder / "output"
        binary = folder / "probe"
        binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m probe "$@"\n')
        binary.chmod(0o755)
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PROBE_SECRETS_DIR": "none",
            "PROBE_BIN": str(binary),
            "RUNNER_TEMP": str(folder),
            **variables,
        }
        if "GITHUB_ACTIONS" in variables:
            self.env |= {
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_ACTION_PATH": str(ACTION),
            }

    async def step(self, name: str, **variables: str) -> tuple[int, str]:
        """Run a step; its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            str(ACTION / "steps"),
            name,
            cwd=self.folder,
            env={**self.env, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    @property
    def code(self) -> str:
        return (self.folder / "probe-report" / "exit-code").read_text().strip()


async def job_for(lab: Lab, folder: Path, variables: dict[str, str]) -> Job:
    address = {"BACKEND_URL": lab.environment()["BACKEND_URL"]}
    return Job(folder, {**variables, **address})


async def test_a_critical_deployment_in_github_is_annotated_summarized_sent_and_rolled_back(
    tmp_path: Path,
) -> None:
    async with Lab() as lab, SlackWebhookService() as slack:
        lab.backend.knobs.redis = "down"
        job = await job_for(lab, tmp_path, GITHUB)
        _, out = await job.step(
            "run",
            INPUT_ARGUMENTS="--only health",
            INPUT_NOTIFY="true",
            SLACK_WEBHOOK=f"{slack.url}/services/T/B/secret-of-the-webhook",
        )
        (message,) = slack.taken
    assert (job.code, job.output.read_text()) == ("2", "exit-code=2\n")
    assert "::error title=probe%3A health is critical::" in out
    assert "\x1b" not in out
    assert "secret-of-the-webhook" not in out
    summary = job.summary.read_text()
    assert summary.startswith("### ✗ CRITICAL")
    assert "```mermaid\ngantt" in summary
    document = json.loads((tmp_path / "probe-report" / "run.json").read_text())
    assert document["verdict"] == "critical"
    assert not problem(message)
    said = shown(message)
    for part in ("Deployment check failed", "c0ffee0", "ada", "health", "service_down", "v1.5.0"):
        assert part in said, said
    assert "https://github.com/paircam/backend/actions/runs/42" in said
    code, out = await job.step("rollback", INPUT_ROLLBACK='echo "back to $GITHUB_REF_NAME"')
    assert code == 0
    assert "back to v1.5.0" in out
    code, out = await job.step("verdict", CODE="2")
    assert code == 2
    assert "::error title=probe::critical: roll back" in out


async def test_a_good_deployment_in_gitlab(tmp_path: Path) -> None:
    async with Lab() as lab, SlackWebhookService() as slack:
        job = await job_for(lab, tmp_path, GITLAB)
        await job.step(
            "run",
            INPUT_ARGUMENTS="--only health",
            INPUT_NOTIFY="true",
            SLACK_WEBHOOK=f"{slack.url}/services/T/B/x",
        )
        (message,) = slack.taken
    said = shown(message)
    assert job.code == "0"
    assert "Deployment checked" in said
    assert "Ada" in said
    assert "ada@example.org" not in said
    assert "https://gitlab.com/paircam/backend/-/jobs/7" in said


async def test_without_a_pipeline_and_with_a_chat_that_is_down_the_verdict_stays(
    tmp_path: Path,
) -> None:
    async with Lab() as lab:
        job = await job_for(lab, tmp_path, {})
        _, out = await job.step(
            "run",
            INPUT_ARGUMENTS="--only health",
            INPUT_NOTIFY="true",
            SLACK_WEBHOOK="http://127.0.0.1:9/services/T/B/x",
        )
    assert job.code == "0"
    assert "probe: --notify: 127.0.0.1" in out


async def test_notify_without_slack_is_a_mistake_before_anything_runs(tmp_path: Path) -> None:
    job = Job(tmp_path, {**GITHUB, "BACKEND_URL": "http://127.0.0.1:9"})
    _, out = await job.step("run", INPUT_NOTIFY="true")
    assert job.code == "64"
    assert "--notify: set SLACK_WEBHOOK" in out


async def test_a_marker_that_can_not_be_stored_is_a_warning(tmp_path: Path) -> None:
    job = Job(tmp_path, GITHUB)
    code, out = await job.step(
        "annotate", INPUT_ANNOTATE="deploy v1.5.0", INPUT_DAEMON_URL="http://127.0.0.1:9"
    )
    assert code == 0
    assert "::warning title=probe::the deployment marker could not be stored" in out


async def test_the_marker_names_commit_author_and_run(tmp_path: Path) -> None:
    job = Job(tmp_path, GITHUB)
    (tmp_path / "probe").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    hostile = '$(touch owned) --help"; touch owned'
    _, out = await job.step("annotate", INPUT_ANNOTATE=hostile)
    link = "https://github.com/paircam/backend/actions/runs/42"
    commit, author = GITHUB["GITHUB_SHA"], GITHUB["GITHUB_ACTOR"]
    expected = f"annotate|--commit|{commit}|--author|{author}|--link|{link}|--|{hostile}|"
    assert out == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["probe"]  # noqa: ASYNC240


@pytest.mark.parametrize(("code", "said"), [("1", "warning"), ("3", "error"), ("64", "error")])
async def test_every_exit_code_has_a_word(tmp_path: Path, code: str, said: str) -> None:
    ended, out = await Job(tmp_path, GITHUB).step("verdict", CODE=code)
    assert ended == int(code)
    assert out.startswith(f"::{said} title=probe::")


def test_no_input_is_ever_part_of_a_command() -> None:
    for step in definition()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]), "pinned by commit"


def test_every_input_is_used_and_every_step_exists() -> None:
    text = (ACTION / "action.yml").read_text()
    for name in definition()["inputs"]:
        assert f"inputs.{name}" in text, name
    script = (ACTION / "steps").read_text()
    for step in definition()["runs"]["steps"]:
        if "run" in step:
            name = step["run"].rsplit(" ", 1)[1]
            assert f"\n{name}() {{" in script
            for variable in step.get("env", {}):
                assert variable in script, variable
