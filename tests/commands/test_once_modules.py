"""What a one-shot run loads: its time to the first packet is that of its imports."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_RUN = """
import json, sys
from probe.cli import main
sys.argv = ["probe", "--once"]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]))
"""


@cache
def _loaded(folder: Path) -> frozenset[str]:
    """The modules at the end of a run of one page, which refuses the connection."""
    variables = {"PATH": os.environ["PATH"], "FRONTEND_URL": "http://127.0.0.1:9/"}
    command = [sys.executable, "-c", _RUN]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=folder, env=variables
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 2
    return frozenset(modules)


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    return _loaded(tmp_path_factory.mktemp("empty"))


def test_a_page_is_checked_without_aiohttp(loaded: frozenset[str]) -> None:
    assert not {name.partition(".")[0] for name in loaded} & {"aiohttp", "aiosignal", "attr"}
