"""Each Python that the package promises, and the one after it: the lab and the fast tests."""

import os
import tomllib
from pathlib import Path

import pytest
import yaml

from tests import requirements
from tests.container.engine import PART
from tests.container.pythons import SUITES, VERSIONS, interpreter, run_here, run_in_chroot

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version", VERSIONS)
def test_lab_and_fast_tests_pass_with_each_python(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is not None:
        outcome = run_here(python, tmp_path)
    elif version in SUITES:
        outcome = run_in_chroot(version, tmp_path)
    else:
        requirements.missing(
            PART, f"no Python {version} here, and Debian has none", f"pyenv install {version}"
        )
    print(f"Python {outcome.version}: {len(outcome.statuses)} checks; {dict(outcome.tests)}")
    assert set(outcome.statuses.values()) == {"ok"}, outcome.shown
    assert outcome.tests.get("passed", 0) > 1000, outcome.shown
    assert not {"failed", "error", "errors"} & set(outcome.tests), outcome.shown


def test_an_interpreter_that_is_named_but_does_not_run_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv has a shim for each version, which fails where that one is not switched on."""
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    found = interpreter("3.12")
    assert found is None or found.parent != tmp_path


def test_the_workflows_try_each_python() -> None:
    text = (ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8")
    matrix = yaml.safe_load(text)["jobs"]["pythons"]["strategy"]["matrix"]["python"]
    assert tuple(matrix) == VERSIONS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={VERSIONS[0]}"
    promised = [each.rpartition(" ")[2] for each in project["classifiers"] if ":: 3." in each]
    assert promised == list(VERSIONS[: len(promised)])
