"""Maintenance windows for tests, in few words."""

import tomllib
from datetime import UTC, datetime
from typing import Any

from alerts.silence.maintenance_window import Window
from alerts.silence.window_table import WindowTable, read_windows

HOUR, DAY = 3600.0, 86400.0


def utc(text: str) -> float:
    """Seconds since 1970 of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(window: Window) -> str:
    """Start and end in UTC."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (window.start, window.end))
    return f"{start:%m-%d %H:%M} to {end:%m-%d %H:%M}"


def table(**keys: Any) -> WindowTable:
    """A window's table; its name and reason are given unless they are among the keys."""
    return WindowTable.model_validate({"name": "nightly", "reason": "backups", **keys})


def problems(text: str) -> list[str]:
    """What is wrong with the maintenance windows of this ``probe.toml``."""
    _, mistakes = read_windows(tomllib.loads(text)["maintenance"], "probe.toml")
    return [str(mistake) for mistake in mistakes]
