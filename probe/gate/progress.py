"""How far a watch has come, kept in the data folder so that another process continues it.

Time passes by the clock that goes on while the machine sleeps; from one boot to the next by the
wall clock. So a clock that is set neither ends a watch nor prolongs it.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.core.boot import boot_clock, current_boot_id
from probe.storage.atomic import replace_file

FILE = "watch.json"
SCHEMA = 1
# Between two looks the clocks part by less than this, unless one was set or the machine slept.
STEP_SECONDS = 5.0
MAX_INTERRUPTIONS = 1000


class UnreadableProgress(Exception):
    """The file can't be read; the text says what to do."""


class WatchClocks(Struct, frozen=True):
    """``now``: seconds since 1970; ``boot``: seconds since the machine booted, sleep included;
    ``monotonic``: without sleep. ``boot_id`` names the boot."""

    now: Callable[[], float] = time.time
    boot: Callable[[], float] = boot_clock
    monotonic: Callable[[], float] = time.monotonic
    boot_id: Callable[[], str] = current_boot_id


@dataclass
class WatchProgress:
    """One watch. ``first_id`` is the newest row of history before it; ``interruptions`` are
    (start, end, reason); times are seconds since 1970, ``planned`` and ``elapsed`` seconds."""

    started_at: float
    planned: float
    first_id: int
    elapsed: float = 0.0
    seen_at: float = 0.0
    seen_boot: float = 0.0
    boot_id: str = ""
    interruptions: list[tuple[float, float, str]] = field(default_factory=list)
    verdict: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it has ended with a verdict."""
        return bool(self.verdict)


class ProgressStore:
    """Advances a watch's time and stores it; ``folder`` None keeps it in memory."""

    def __init__(self, folder: Path | None, clocks: WatchClocks) -> None:
        self._path = folder / FILE if folder is not None else None
        self._clocks = clocks
        self._seen_monotonic = clocks.monotonic()
        self.problem = ""

    @property
    def is_stored(self) -> bool:
        """Whether another process can continue the watch."""
        return self._path is not None and not self.problem

    def begin(self, planned: float, first_id: int) -> WatchProgress:
        """A new watch that begins now."""
        clocks = self._clocks
        now, boot = clocks.now(), clocks.boot()
        self._seen_monotonic = clocks.monotonic()
        started = WatchProgress(now, planned, first_id, 0.0, now, boot, clocks.boot_id())
        self.save(started)
        return started

    def load(self) -> WatchProgress | None:
        """The watch that is stored. Raises UnreadableProgress."""
        if self._path is None or not self._path.exists():
            return None
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return _read(found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableProgress(
                f"{self._path} can't be read ({type(error).__name__}):"
                " --new begins another watch in its place"
            ) from None

    def resume(self, progress: WatchProgress) -> None:
        """Continue: what lies between is an interruption of the watch, not of the target."""
        clocks = self._clocks
        same = progress.boot_id == clocks.boot_id()
        self._seen_monotonic = clocks.monotonic()
        reason = "the watch was interrupted" if same else "this machine was restarted"
        passed = clocks.boot() - progress.seen_boot if same else clocks.now() - progress.seen_at
        self._advance(progress, max(passed, 0.0))
        progress.boot_id = clocks.boot_id()
        _note(progress, progress.seen_at, clocks.now(), reason)
        progress.seen_at = clocks.now()
        self.save(progress)

    def tick(self, progress: WatchProgress) -> None:
        """Time passes; sleep and steps of the wall clock are noted."""
        clocks = self._clocks
        now, monotonic = clocks.now(), clocks.monotonic()
        passed = max(clocks.boot() - progress.seen_boot, 0.0)
        slept = passed - (monotonic - self._seen_monotonic)
        stepped = now - progress.seen_at - passed
        if slept > STEP_SECONDS:
            _note(progress, progress.seen_at, now, "this machine was asleep")
        if abs(stepped) > STEP_SECONDS:
            first, last = sorted((progress.seen_at, now))
            _note(progress, first, last, f"the clock was set by {stepped:+.0f} s")
        self._seen_monotonic = monotonic
        self._advance(progress, passed)
        progress.seen_at = now

    def save(self, progress: WatchProgress) -> None:
        """Store it; a disk that is full is a problem to show, and not the end of the watch."""
        if self._path is None:
            return
        text = json.dumps({"schema": SCHEMA, **asdict(progress)})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, text.encode() + b"\n")
        except OSError as error:
            self.problem = f"{self._path} can't be written: {error.strerror or error}"
        else:
            self.problem = ""

    def _advance(self, progress: WatchProgress, seconds: float) -> None:
        progress.elapsed += seconds
        progress.seen_boot = self._clocks.boot()


def _note(progress: WatchProgress, start: float, end: float, reason: str) -> None:
    progress.interruptions.append((start, end, reason))
    del progress.interruptions[:-MAX_INTERRUPTIONS]


def _read(found: Any) -> WatchProgress:
    """Raises ValueError, KeyError, TypeError, AttributeError."""
    if found.pop("schema") != SCHEMA:
        raise ValueError("another version")
    pauses = [(float(start), float(end), str(why)) for start, end, why in found["interruptions"]]
    progress = WatchProgress(**{**found, "interruptions": pauses})
    numbers = (progress.started_at, progress.planned, progress.elapsed, progress.seen_at)
    if not all(isinstance(each, float | int) and math.isfinite(each) for each in numbers):
        raise ValueError("a time is not a number")
    if progress.planned <= 0 or progress.elapsed < 0:
        raise ValueError("a time is negative")
    return progress
