"""coturn, Prometheus and Alertmanager of Debian's next release instead of this one's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import requirements
from tests.container.engine import PART
from tests.container.newer import newer_parts, version_of

ROOT = Path(__file__).parents[2]
# Tests that start these programs.
TESTS = (
    "tests/kinds/turn/test_turn_coturn.py",
    "tests/kinds/turn/test_relay_crossing.py",
    "tests/kinds/turn/test_stun.py",
    "tests/kinds/call/test_call_coturn.py",
    "tests/kinds/security/test_turn_server.py",
    "tests/turn_report",
    "tests/daemon/checks/test_allocations.py",
    "tests/daemon/prometheus",
    "tests/metrics/test_exporter.py",
    "tests/metrics/test_exemplars.py",
    "tests/exporter",
    "tests/dashboards",
    "tests/alerts/prometheus",
    "tests/alerts/notifiers/test_real_alertmanager.py",
    "tests/web/web_config/test_web_config.py",
)
_OPTIONS = ("-q", "-n", "2", "-rfE", "-p", "no:cacheprovider", "--timeout", "300")
_PASSED = re.compile(r"(\d+) passed")


@pytest.mark.nightly
@pytest.mark.timeout(2400)
def test_the_real_parts_of_the_next_release_pass_the_same_tests(tmp_path: Path) -> None:
    if os.geteuid() != 0 or os.uname().machine != "x86_64":
        requirements.missing(PART, "the parts of another release need root on x86_64")
    requirements.program("mmdebstrap", part=PART)
    programs = newer_parts(tmp_path)
    for name in ("turnserver", "prometheus", "prometheus-alertmanager"):
        print(f"{name}: {version_of(programs / name)}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *_OPTIONS),
            *TESTS,
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout[-6000:]
    passed = _PASSED.search(done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100
