"""A one-shot run looks for garbage in what it makes, not in what is loaded for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import environment

_COUNTING = """
import gc, sys

early = []

def count(phase, info):
    if phase == "start" and not gc.get_freeze_count():
        early.append(info["generation"])

from probe.cli import main
gc.collect()
gc.callbacks.append(count)
try:
    main()
except SystemExit as end:
    print(len(early), gc.isenabled(), end.code)
"""


def last_line(folder: Path, *arguments: str, **variables: str) -> str:
    """What a Python of its own prints after a command."""
    command = [sys.executable, "-c", _COUNTING, *arguments]
    found = subprocess.run(
        command, cwd=folder, env=environment(variables), capture_output=True, text=True, timeout=120
    )
    return found.stdout.splitlines()[-1]


def test_no_garbage_is_looked_for_until_the_run_begins(tmp_path: Path) -> None:
    found = last_line(tmp_path, "--once", "--only", "http", BACKEND_URL="http://127.0.0.1:9")
    assert found == "0 True 2"


@pytest.mark.parametrize("variables", [{}, {"BACKEND_URL": "no address"}])
def test_garbage_is_looked_for_again_after_a_wrong_call(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    found = last_line(tmp_path, "--once", "--only", "nothing-like-it", **variables)
    assert found.endswith(" True 64")
