"""What a release ships: a whole source distribution, a bill of materials, pinned workflows."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = [ROOT / ".github/actions/probe/action.yml"]
_PINNED = re.compile(r"uses: (?:\./|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)")
_USES = re.compile(r"uses: .*")


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = _USES.findall(path.read_text(encoding="utf-8"))
    assert used
    assert [each for each in used if not _PINNED.match(each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_and_no_more_unless_a_job_says_so(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] in ({}, {"contents": "read"})


def test_what_is_released_was_tested_and_is_attested() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["release"]["needs"] == "test"
    steps = jobs["release"]["steps"]
    attested = [step["with"] for step in steps if "actions/attest@" in step.get("uses", "")]
    assert {"sbom-path" in each for each in attested} == {True, False}
    assert {"subject-digest" in each for each in attested} == {True, False}


@pytest.mark.proof
def test_the_source_distribution_is_whole_and_its_tests_run(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    copy = tmp_path / "source"
    for name in listed.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--sdist",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run([*command, str(copy)], check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "unpacked", filter="data")
    (root,) = (tmp_path / "unpacked").iterdir()
    missing = {name for name in listed.stdout.split("\n") if name and not (root / name).exists()}
    assert missing == {name for name in missing if not (ROOT / name).exists()}
    tests = ["tests/core", "tests/container", "tests/contract/test_contract.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.proof
def test_the_bill_of_materials_names_every_locked_package(tmp_path: Path) -> None:
    bill = tmp_path / "probe.cdx.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--of", "JSON"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(bill)]
    locked = ROOT / "requirements.txt"
    subprocess.run([*command, str(locked)], check=True, capture_output=True)
    document = json.loads(bill.read_text(encoding="utf-8"))
    names = re.findall(r"^([\w.-]+)==(\S+)", locked.read_text(encoding="utf-8"), re.MULTILINE)
    assert document["bomFormat"] == "CycloneDX"
    assert {(each["name"], each["version"]) for each in document["components"]} == set(names)
    assert all(
        reference["hashes"]
        for each in document["components"]
        for reference in each["externalReferences"]
    )


def test_what_is_locked_is_audited_each_night_by_a_fixed_version() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))["jobs"]
    [command] = [step["run"] for step in jobs["audit"]["steps"] if "run" in step]
    words = command.split()
    assert re.fullmatch(r"pip-audit==\d+\.\d+\.\d+", words[2])
    assert {"--require-hashes", "requirements.txt", "requirements-dev.txt"} <= set(words)
    assert all((ROOT / each).is_file() for each in words if each.endswith(".txt"))
