"""The lab's server loads no client of python-socketio's, and leaves each for others to import."""

import subprocess
import sys

from probe.lab.socketio_import import OPTIONAL

_SCRIPT = """
import sys
import probe.lab.signaling
print(*sys.modules)
import redis
print(redis.__name__)
"""


def test_the_lab_loads_no_queue_and_a_client_can_be_imported_after_it() -> None:
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded, found = done.stdout.splitlines()
    assert not set(loaded.split()) & {*OPTIONAL, "opentelemetry", "urllib3"}
    assert "socketio" in loaded.split()
    assert found == "redis"
