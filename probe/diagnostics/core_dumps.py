"""No core file of this process: secrets are in its memory."""

import contextlib
import resource
import sys

_PR_SET_DUMPABLE = 4  # prctl(2)


def forbid_core_dumps() -> None:
    """From now on a crash leaves no core file, and no other process of the user may trace this one
    or read its memory (Linux). Idempotent; a system that refuses is left as it is.

    Both are needed: a limit of 0 doesn't hold for a core that is piped to a program, as systemd's
    and Ubuntu's are (core(5)). Programs that are started from here get the limit alone.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
