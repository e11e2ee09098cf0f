"""A hostile name server hurts the checks of its names alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import requirements
from tests.command import environment
from tests.hostile.dns.answers import ANSWERS
from tests.hostile.dns.run import DEADLINE

ROOT = Path(__file__).parents[3]
FINE = {"chain", "many"}
"""Long, and right: the first addresses are used."""
MAY = {"dns_failed", "deadline", "address_reserved", "own_network", "own_stall"}
"""``own_stall``: a deadline on a machine that is busy."""


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_hostile_name_server_hurts_the_checks_of_its_names_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        requirements.missing("netns", "network namespaces need root")
    unshare = requirements.program("unshare", part="netns")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    inside = " && ".join(
        (
            "ip link set lo up",
            "ip route add default dev lo",  # a network there is; it leads nowhere
            f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf",
            f"exec {sys.executable} -m tests.hostile.dns.run",
        )
    )
    done = subprocess.run(
        [unshare, "--net", "--mount", "sh", "-c", inside],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    print(json.dumps(seen["names"], indent=1), seen["kilobytes"])
    assert seen["failed"] == []
    assert seen["kilobytes"] < 32 << 10
    assert set(seen["names"]) == set(ANSWERS)
    for name, (status, cause, seconds, message) in seen["names"].items():
        assert (status == "ok" and name in FINE | {"count", "other"}) or cause in MAY, name
        assert seconds < DEADLINE + 4, name
        assert message.isprintable()
        assert len(message) < 500
    assert {name for name, each in seen["names"].items() if each[0] == "ok"} >= FINE
