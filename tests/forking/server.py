"""``python -m tests.forking.server FD``: forks a ``probe`` for each request that comes by a socket.

It has imported everything before, which is most of what a start takes. A child sees what a new
process would: its arguments, folder, environment and standard streams, a seed of its own, and no
descriptor of anybody else's.
"""

import gc
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import probe
from tests.forking.network import enter

MAX_REQUEST_BYTES = 1 << 18
# It reads the environment as it is imported, as a process that uses it does.
_LATE = ("probe.otel.metrics", "probe.otel.traces", "probe.otel.export", "probe.reference")


def main() -> None:
    """Serve until nobody holds the other end; a child returns from ``_serve`` and is ``probe``."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    _preload(probe)
    gc.freeze()
    assert threading.active_count() == 1, threading.enumerate()
    forked = _serve(requests)
    requests.close()
    if forked is not None:
        _become(*forked)
        gc.enable()
        runpy.run_module("probe", run_name="__main__", alter_sys=True)


def _preload(package: ModuleType) -> None:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith(_LATE) and not module.name.endswith("__main__"):
            import_module(module.name)


def _serve(requests: socket.socket) -> tuple[dict[str, Any], int, int] | None:
    """Fork for each request: in a child the request and its streams, in the server None when all
    is over."""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not requests:
                    selector.unregister(key.fileobj)
                    _report(*key.data, pidfd=key.fd)
                    continue
                data, descriptors, *_ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 3)
                if not data:
                    _kill(each.data[0] for each in selector.get_map().values() if each.data)
                    return None
                out, err, reply = descriptors
                pid = os.fork()
                if pid == 0:
                    return json.loads(data), out, err
                os.close(out)
                os.close(err)
                os.write(reply, b"%d\n" % pid)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, reply))


def _kill(children: Iterable[int]) -> None:
    """A test that failed has left them: they end with the run."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _report(pid: int, reply: int, *, pidfd: int) -> None:
    _, status = os.waitpid(pid, 0)
    os.write(reply, b"%d\n" % os.waitstatus_to_exitcode(status))
    os.close(reply)
    os.close(pidfd)


def _become(request: Mapping[str, Any], out: int, err: int) -> None:
    """Take over a request's streams, folder, environment and arguments."""
    # A shell ignores it for what it runs in the background, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, out, err)):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if request["network"]:
        enter(request["network"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.path[0] = os.getcwd()
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    main()
