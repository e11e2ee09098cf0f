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


def test_a_probe_alone_does_not_load_what_a_cluster_needs(loaded: frozenset[str]) -> None:
    of_cluster = {name for name in loaded if name.startswith("alerts.cluster.")}
    plan = {"alerts.cluster.membership", "alerts.cluster.membership.peers_plan"}
    assert of_cluster <= plan


def test_modules_of_the_exporter_are_loaded_where_they_are_configured(
    loaded: frozenset[str],
) -> None:
    names = {name for name in loaded if name.startswith("probe.exporter.modules.")}
    assert names == {"probe.exporter.modules.builtin"}


def test_files_that_are_not_there_take_no_parser(loaded: frozenset[str]) -> None:
    assert not loaded & {"http.client", "tomllib", "urllib.request", "yaml"}


def test_alerts_that_are_routed_nowhere_take_no_routes(loaded: frozenset[str]) -> None:
    of_alerts = {"alerts.notification.route", "alerts.silence.matcher"}
    assert not loaded & (of_alerts | {"alerts.silence.window_table"})


# After the last result: what users lose, at the head of the report of a run that does not pass.
_OF_A_FAILURE = {
    "alerts.notification.title",
    "alerts.state.annotations",
    "probe.once.incidents",
}


def test_a_run_of_one_page_loads_a_third_of_the_program(loaded: frozenset[str]) -> None:
    of_a_run = loaded - _OF_A_FAILURE
    ours = [name for name in of_a_run if name.partition(".")[0] in ("probe", "alerts")]
    assert len(ours) <= 298
