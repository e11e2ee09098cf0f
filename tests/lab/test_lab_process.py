"""The lab of a one-shot run lives as long as the run, in a process of its own."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.command import environment

# A process of one thread that forks a lab, says where it is, and does what its argument says.
PROGRAM = """
import asyncio, os, sys
from probe.lab_process import LabProcess
lab = LabProcess()
found = asyncio.run(lab.environment())
print(lab.pid, found["PROBE_CA_FILE"], flush=True)
if sys.argv[1] == "wait":
    sys.stdin.read()
lab.end()
lab.end()
lab.close()
print("closed", flush=True)
"""


def started(argument: str) -> tuple[subprocess.Popen[str], int, Path]:
    """The program, its lab's process, and a file that the lab has made."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, argument],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    number, path = process.stdout.readline().split()
    return process, int(number), Path(path)


def until_gone(number: int) -> None:
    """Wait for the end of a process that is no child of ours, by a descriptor of it."""
    try:
        descriptor = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(30_000), "the lab goes on"
    finally:
        os.close(descriptor)


def test_a_lab_ends_with_the_run_and_leaves_no_files() -> None:
    process, number, path = started("end")
    out, _ = process.communicate(timeout=60)
    assert (out, process.returncode) == ("closed\n", 0)
    until_gone(number)
    assert not path.exists()


def test_a_lab_ends_when_its_run_is_killed() -> None:
    process, number, path = started("wait")
    assert path.exists()
    os.kill(number, signal.SIGINT)  # as Ctrl-C does; the run has sessions to close before
    process.kill()
    process.communicate(timeout=60)
    until_gone(number)
    assert not path.exists()
