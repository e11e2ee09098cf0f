"""Signals of the daemon, taken by a thread of their own.

A handler that runs in the event loop is blocked when the loop is. So the signals are blocked
everywhere, and a thread waits for them: SIGTERM ends the process within 8 s whatever hangs, SIGHUP
is never lost, and signals that have no meaning for a daemon are ignored.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from probe.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    import asyncio

# A clean shutdown takes 6 s at most; service managers wait at least 10.
LAST_SECONDS = 7.5

_ENDS = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}
_WAITED_FOR = (*_ENDS, signal.SIGHUP)
# Signals whose default would end the process.
_IGNORED = ("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPIPE")


def block() -> None:
    """From now on nothing but SIGKILL, SIGQUIT and faults ends the process by itself.

    Call it first: a signal that comes before is lost or deadly. Before there are threads,
    which inherit it.
    """
    for name in _IGNORED:
        with suppress(AttributeError, ValueError, OSError):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)


class SignalThread:
    """Waits for signals. ``exit_code`` is that of the first one that ends the daemon.

    Until ``attach``, a signal that ends the daemon ends the process at once.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], object] = lambda: None
        self._reload: Callable[[], object] = lambda: None
        self._reload_wanted = False
        self.exit_code: int | None = None

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._wait, name="signals", daemon=True).start()

    def attach(self, end: Callable[[], object], reload: Callable[[], object]) -> None:
        """From now on signals shut down or reload the running loop."""
        # The command line has this module before it knows whether there is a loop at all.
        import asyncio

        self._end, self._reload = end, reload
        self._loop = asyncio.get_running_loop()
        if self._reload_wanted:
            reload()

    def _wait(self) -> None:
        while True:
            number = signal.sigwait(_WAITED_FOR)
            if number == signal.SIGHUP:
                self._request_reload()
            elif self.exit_code is None:
                self.exit_code = _ENDS[signal.Signals(number)]
                self._stop()

    def _request_reload(self) -> None:
        if self._loop is None:
            self._reload_wanted = True
        else:
            self._call(self._reload)

    def _stop(self) -> None:
        if self._loop is None:
            os._exit(self.exit_code or 0)
        self._call(self._end)
        # In this thread: starting another one may fail.
        end = time.monotonic() + LAST_SECONDS
        while (left := end - time.monotonic()) > 0:
            with suppress(OSError):
                select.select([], [], [], min(left, 0.5))
        os._exit(self.exit_code or 0)

    def _call(self, what: Callable[[], object]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(what)
