"""Runs a composite action as GitHub's runner does, as far as this machine can: every ``run:`` step
in its order with bash, its condition, its environment, and the outputs of the steps before.

What is ``uses:`` (setting up Python, uploading) is listed, not run. Expressions are those that the
action has: comparisons of inputs and outputs with a text, joined by ``&&``, and ``always()``.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_TERM = re.compile(r"^([\w.-]+) *(==|!=) *'([^']*)'$")
_REFERENCE = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@dataclass
class StepRun:
    """One step that ran: its name, exit code and output."""

    name: str
    code: int
    out: str


@dataclass
class CompositeRun:
    """What a job did: steps that ran, those that were skipped, and actions that it would use."""

    ran: list[StepRun] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """That of the job: the first step that failed."""
        return next((step.code for step in self.ran if step.code), 0)

    def step(self, name: str) -> StepRun:
        """The step of that name."""
        return next(step for step in self.ran if step.name == name)


class Runner:
    """``action`` is the action's folder; ``env`` the job's environment, with GITHUB_… files."""

    def __init__(self, action: Path, env: Mapping[str, str], folder: Path) -> None:
        self._folder = folder
        self._definition: dict[str, Any] = yaml.safe_load((action / "action.yml").read_text())
        self._output = folder / "github-output"
        self.env = {
            "PATH": os.environ["PATH"],
            **env,
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_OUTPUT": str(self._output),
            "RUNNER_TEMP": str(folder),
        }

    async def run(self, **given: str) -> CompositeRun:
        """The whole action with these inputs (``fail_on`` is ``fail-on``)."""
        inputs = {name: about.get("default", "") for name, about in self._inputs().items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        values = {f"inputs.{name}": value for name, value in inputs.items()}
        found = CompositeRun()
        for step in self._definition["runs"]["steps"]:
            name = step.get("name", step.get("uses", ""))
            if not _holds(str(step.get("if", "")), values, failed=bool(found.code)):
                found.skipped.append(name)
            elif "uses" in step:
                found.used.append(name)
            else:
                found.ran.append(await self._step(name, step, values))
                self._outputs(step.get("id", ""), values)
        found.outputs = {
            name: _filled(about["value"], values)
            for name, about in self._definition["outputs"].items()
        }
        return found

    def _inputs(self) -> Mapping[str, Mapping[str, str]]:
        return dict(self._definition["inputs"])

    async def _step(self, name: str, step: Mapping[str, Any], values: Mapping[str, str]) -> StepRun:
        assert step["shell"] == "bash"
        env = {key: _filled(text, values) for key, text in step.get("env", {}).items()}
        # As GitHub's runner calls bash.
        process = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]),
            cwd=self._folder,
            env={**self.env, **env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return StepRun(name, process.returncode, out.decode())

    def _outputs(self, step: str, values: dict[str, str]) -> None:
        """What the step wrote; each step has a file of its own."""
        text = self._output.read_text() if self._output.exists() else ""
        self._output.unlink(missing_ok=True)
        for line in text.splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step}.outputs.{name}"] = value


def _holds(condition: str, values: Mapping[str, str], *, failed: bool) -> bool:
    terms = [term.strip() for term in condition.split("&&") if term.strip()]
    if failed and "always()" not in terms:
        return False
    for term in terms:
        if term == "always()":
            continue
        match = _TERM.match(term)
        assert match, f"the runner does not know the expression {term}"
        equal = values.get(match[1], "") == match[3]
        if equal is not (match[2] == "=="):
            return False
    return True


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: values.get(match[1], ""), text)
