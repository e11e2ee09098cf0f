"""The boot of this machine: for how long it has been running, and which boot it is."""

import time
from contextlib import suppress
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_clock() -> float:
    """Seconds since the machine booted, those of a suspension included; without them where the
    system has no such clock."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except (AttributeError, OSError):
        return time.monotonic()


def current_boot_id() -> str:
    """Which boot of the machine this is; empty where the system doesn't say."""
    with suppress(OSError, UnicodeDecodeError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return ""
