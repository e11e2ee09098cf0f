"""Every ``run:`` step of the release workflow, in its order, as GitHub's runner calls it.

What would publish (``buildah``, ``gh``) is recorded in place of being called; what it is given is
what was built. Actions are listed, and what they are given has to be there.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/release.yml"
_EXPRESSION = re.compile(r"\$\{\{ *([\w.]+) *\}\}")
_RECORDER = """#!/bin/sh
printf '%s' "$(basename "$0")" >>"$RECORD"
for word; do printf ' %s' "$word" >>"$RECORD"; done
echo >>"$RECORD"
cat >/dev/null
while [ $# -gt 0 ]; do
  [ "$1" != --digestfile ] || printf sha256:0123 >"$2"
  shift
done
"""


class Release:
    """The job ``release`` for one tag; ``record`` is what would have been published."""

    def __init__(self, source: Path, folder: Path, tag: str, image: str) -> None:
        self.source, self.output, self.record = source, folder / "output", folder / "record"
        self.values = {
            **{"github.ref_name": tag, "github.actor": "someone", "vars.IMAGE": image},
            "secrets.GITHUB_TOKEN": "ghs-the-token-of-the-test",
        }
        stubs = folder / "bin"
        stubs.mkdir()
        for name in ("buildah", "gh"):
            (stubs / name).write_text(_RECORDER)
            (stubs / name).chmod(0o755)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROBE_")},
            "PATH": f"{stubs}:{os.environ['PATH']}",
            "RECORD": str(self.record),
            **{"GITHUB_OUTPUT": str(self.output), "RUNNER_TEMP": str(folder)},
        }
        self.used: list[tuple[str, dict[str, str]]] = []
        self.shown = ""

    def filled(self, text: str) -> str:
        """The text with its expressions; one that nothing is known of is a KeyError."""
        return _EXPRESSION.sub(lambda match: self.values[match[1]], text)

    def run(self) -> str | None:
        """The name of the first step that failed; None where none did."""
        job: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"][
            "release"
        ]
        given = {name: self.filled(value) for name, value in job["env"].items()}
        self.env |= given
        self.values |= {f"env.{name}": value for name, value in given.items()}
        for step in job["steps"]:
            condition = step.get("if")
            assert condition in (None, "env.IMAGE != ''")
            if condition and not self.env["IMAGE"]:
                continue
            if "uses" in step:
                given = {name: self.filled(str(text)) for name, text in step["with"].items()}
                self.used.append((step["uses"].partition("@")[0], given))
            elif not self._step(step):
                return str(step["name"])
        return None

    def _step(self, step: dict[str, Any]) -> bool:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.source,
            env={**self.env, **{name: self.filled(v) for name, v in step.get("env", {}).items()}},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.shown += done.stdout + done.stderr
        if self.output.exists():
            for line in self.output.read_text().splitlines():
                name, _, value = line.partition("=")
                self.values[f"steps.{step.get('id', '')}.outputs.{name}"] = value
        return done.returncode == 0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, with the environment that ``make`` has made here."""
    copy = tmp_path_factory.mktemp("release") / "source"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\n")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def _version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        text = (ROOT / "probe/__init__.py").read_text(encoding="utf-8")
        found = re.search(r'__version__ = "([^"]+)"', text)
    assert found is not None
    return found[1]


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("image", ["", "registry.example.org/someone/probe"])
def test_a_release_publishes_what_was_built_described_and_attested(
    source: Path, tmp_path: Path, image: str
) -> None:
    release = Release(source, tmp_path, f"v{_version()}", image)
    assert release.run() is None, release.shown[-3000:]
    files = sorted(path.name for path in (source / "dist").iterdir())
    assert len(files) == 3
    attested = [given for action, given in release.used if action == "actions/attest"]
    assert len(attested) == (4 if image else 2)
    for given in attested:
        if "subject-path" in given:
            assert len(list(source.glob(given["subject-path"]))) == 2
        else:
            assert given["subject-digest"] == "sha256:0123"
        assert (source / given.get("sbom-path", "dist")).exists()
    published = release.record.read_text()
    assert "ghs-the-token" not in published + release.shown
    tag = f"v{_version()}"
    assert all(f"dist/{name}" in published for name in files)
    assert f"gh release create {tag}" in published
    assert (f"buildah push --digestfile {tmp_path}/digest {image}:{tag}" in published) is bool(
        image
    )


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_a_tag_that_is_not_the_version_publishes_nothing(source: Path, tmp_path: Path) -> None:
    release = Release(source, tmp_path, "v99.0.0", "")
    assert release.run() == "The tag is the version"
    assert not release.record.exists()
