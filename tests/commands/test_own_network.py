"""Our own network being down is no outage of anybody else's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import environment
from tests.servers.netns import Namespace


@pytest.mark.parametrize("host", ["paircam.live", "8.8.8.8"])
def test_without_a_network_everything_is_unknown(
    tmp_path: Path, netns: Namespace, host: str
) -> None:
    env = {"BACKEND_URL": f"https://{host}", "TURN_URLS": f"turn:{host}?transport=tcp"}
    env |= {"TURN_USERNAME": "probe", "TURN_PASSWORD": "x", "JWT_SECRET": "secret"}
    once = ("--once", "--only", "health,signaling,turn-primary-tcp", "--format", "json")
    done = subprocess.run(
        [*netns.prefix, sys.executable, "-m", "probe", *once],
        cwd=tmp_path,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    checks = json.loads(done.stdout)["checks"]
    found = {check["name"]: (check["status"], check["failure"]["cause"]) for check in checks}
    assert set(found.values()) == {("unknown", "own_network")}, found
    assert done.returncode == 3
