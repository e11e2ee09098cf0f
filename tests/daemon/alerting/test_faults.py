"""Faults are switched on and off by a script, and the daemon says so at the right moments.

What it exports, logs and shows is held against the script: nothing missed, nothing made up.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from probe.lab import Lab
from tests.daemon.running import Running, daemon

# Each check's rhythm in these runs; deadlines leave room for a busy machine.
CONFIGURATION = """
[[http]]
name = "health"
interval = 1
deadline = 2
[[http]]
name = "ready"
interval = 2
deadline = 2
[[http]]
name = "frontend"
interval = 2
[[signaling]]
name = "signaling"
interval = 2
deadline = 2
"""
ONLY = "health,ready,frontend,signaling,turn-primary-udp,turn-backup-udp"
TURN_CONFIGURATION = """
[[turn]]
name = "turn-primary-udp"
interval = 3
retry = 1
deadline = 3
[[turn]]
name = "turn-backup-udp"
interval = 3
retry = 1
deadline = 3
"""
# From switching a knob until the check that it turns has said so: an interval, a deadline
# (it runs while the knob is turned, and once more), and a busy machine.
LATEST_SECONDS = 30.0
# The page lists so many troubles of a check, the newest.
MAX_SHOWN = 20
# The probe's own word for what a machine that stands still explains; no fault of the script.
OWN_STALL = "own_stall"


class Fault(Struct, frozen=True):
    """A knob's bad and good value, and which checks it fails with which cause."""

    knob: str
    bad: str
    good: str
    turns: dict[str, str]


@dataclass
class Episode:
    """A fault that was on from ``start`` to ``end``, seconds since 1970."""

    fault: Fault
    start: float
    end: float = 0.0
    seen: dict[str, float] = field(default_factory=dict)


FAULTS = [
    Fault(
        "backend.redis",
        "down",
        "up",
        {"health": "service_down", "ready": "service_down", "signaling": "deadline"},
    ),
    Fault("primary.error", "401", "none", {"turn-primary-udp": "auth_rejected"}),
    Fault("backend.status", "503", "200", {"health": "http_status", "ready": "http_status"}),
    Fault("backend.signaling", "refuses", "ok", {"signaling": "session_refused"}),
    Fault("backup.error", "508", "none", {"turn-backup-udp": "allocation_capacity"}),
    Fault("backend.postgres", "down", "up", {"health": "service_down", "ready": "service_down"}),
    Fault("backend.body", "invalid", "json", {"health": "body_invalid", "ready": "body_invalid"}),
]


async def until_metrics_say(running: Running, wanted: dict[str, str], *, failed: bool) -> None:
    """Wait until every check is shown failed with its cause, or well."""
    deadline = time.monotonic() + LATEST_SECONDS
    while True:
        found = await running.metrics()
        wrong = [name for name, cause in wanted.items() if _says(found, name, cause) is not failed]
        if not wrong:
            return
        assert time.monotonic() < deadline, f"{wrong} still not {'failed' if failed else 'well'}"
        await asyncio.sleep(0.1)


def _says(found: dict[str, float], name: str, cause: str) -> bool:
    """Whether the metrics show a check failed with this cause; else it has to be well."""
    success = found.get(f'probe_success{{check="{name}"}}')
    causes = [key for key in found if key.startswith("probe_failure_info") and name in key]
    if success == 0.0:
        return any(f'cause="{cause}"' in key and f'check="{name}"' in key for key in causes)
    return False


async def play(running: Running, lab: Lab, faults: list[Fault], seconds: float) -> list[Episode]:
    """One fault after the other, each as long as its part of the time; what was on when."""
    until = time.monotonic() + seconds
    share = seconds / len(faults)
    episodes = []
    for number, fault in enumerate(faults):
        part_ends = until - seconds + (number + 1) * share
        lab.set_knob(fault.knob, fault.bad)
        episode = Episode(fault, time.time())
        await until_metrics_say(running, fault.turns, failed=True)
        status = await running.status()
        causes = {
            each["name"]: each["failure"]["cause"]
            for each in status["checks"]
            if each["verdict"] != "ok"
        }
        assert {name: each for name, each in causes.items() if each != OWN_STALL} == fault.turns
        await asyncio.sleep(max(0.0, (part_ends - time.monotonic()) / 2))
        lab.set_knob(fault.knob, fault.good)
        episode.end = time.time()
        await running.status_when(lambda status: status["verdict"] == "ok")
        episodes.append(episode)
        await asyncio.sleep(max(0.0, part_ends - time.monotonic()))
    return episodes


def seconds_of(moment: str) -> float:
    """An ISO 8601 time as seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


def _played(episodes: list[Episode], check: str) -> list[Episode]:
    """Those in which a check failed."""
    return [each for each in episodes if check in each.fault.turns]


def _is_calm(status: dict[str, Any], episodes: list[Episode]) -> bool:
    """Whether all is well, and every outage is shown, with its end: history is written a while
    after a run."""
    shown = {check["name"]: check["troubles"] for check in status["checks"]}
    ends = [each["end"] for troubles in shown.values() for each in troubles]
    return (
        status["verdict"] == "ok"
        and None not in ends
        and all(
            sum(each["cause"] != OWN_STALL for each in troubles)
            >= min(len(_played(episodes, name)), MAX_SHOWN)
            for name, troubles in shown.items()
        )
    )


async def _lines(running: Running, check: str, count: int) -> list[dict[str, Any]]:
    """The lines of the log in which a check's verdict changes, once there are so many."""
    async with asyncio.timeout(LATEST_SECONDS):
        while len(found := _changes(running.lines, check)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


def _changes(lines: list[dict[str, Any]], check: str) -> list[dict[str, Any]]:
    """Bad and good in turn. What a machine that stood still has left unknown is no change."""
    found: list[dict[str, Any]] = []
    for line in lines:
        if line.get("check") != check or "was" not in line or line.get("cause") == OWN_STALL:
            continue
        was_good = not found or found[-1]["verdict"] == "ok"
        if was_good is not (line["verdict"] == "ok"):
            found.append(line)
    return found


def _outages(troubles: list[dict[str, Any]], played: list[Episode]) -> list[dict[str, Any]]:
    """The outages that are shown, in order. One that the machine's own standing still has divided
    is one."""
    shown = sorted(troubles, key=lambda each: str(each["start"]))
    if all(each["cause"] != OWN_STALL for each in shown):
        return shown
    found: list[dict[str, Any]] = []
    begun = [each.start for each in played]
    for each in shown:
        if each["cause"] == OWN_STALL:
            continue
        is_next = len(found) < len(begun) and seconds_of(each["start"]) >= begun[len(found)] - 2.5
        if is_next or not found:
            found.append(each)
        else:
            found[-1] = {**found[-1], "end": each["end"]}
    return found


async def compare(running: Running, episodes: list[Episode]) -> None:
    """The page's list of troubles and the log, line by line, against what was played."""
    status = await running.status_when(lambda found: _is_calm(found, episodes))
    for check in status["checks"]:
        name = check["name"]
        played = _played(episodes, name)
        shown = _outages(check["troubles"], played[-MAX_SHOWN:])
        assert len(shown) == min(len(played), MAX_SHOWN), (name, shown)
        changes = await _lines(running, name, 2 * len(played))
        assert [line["verdict"] == "ok" for line in changes] == [False, True] * len(played), changes
        begun, ended = changes[::2][-MAX_SHOWN:], changes[1::2][-MAX_SHOWN:]
        newest = played[-MAX_SHOWN:]
        for trouble, bad, good, episode in zip(shown, begun, ended, newest, strict=True):
            assert trouble["cause"] == bad["cause"] == episode.fault.turns[name]
            for at in (seconds_of(trouble["start"]), seconds_of(bad["time"])):
                assert episode.start - 2.5 <= at <= episode.start + LATEST_SECONDS
            for at in (seconds_of(trouble["end"]), seconds_of(good["time"])):
                assert episode.end - 2.5 <= at <= episode.end + LATEST_SECONDS
    counted = await running.metrics()
    for name, cause in {(n, c) for e in episodes for n, c in e.fault.turns.items()}:
        keys = [
            key
            for key in counted
            if key.startswith("probe_failures_total")
            and f'check="{name}"' in key
            and f'cause="{cause}"' in key
        ]
        assert sum(counted[key] for key in keys) >= 1


async def watch_faults(folder: Path, faults: list[Fault], seconds: float) -> None:
    """Start a lab and a daemon, play the script, compare."""
    (folder / "probe.toml").write_text(CONFIGURATION + TURN_CONFIGURATION, encoding="utf-8")
    async with Lab() as lab:
        lab.set_knob("backend.limits", "false")
        environment = {**lab.environment(), "PROBE_DATA": str(folder / "data")}
        # Without it a cause counts from 0 for its first minute, so that its rise is seen.
        environment["PROBE_METRICS"] = "full"
        async with daemon(folder, environment, "--only", ONLY) as running:
            await running.ready()
            await running.status_when(lambda status: status["verdict"] == "ok")
            episodes = await play(running, lab, faults, seconds)
            await compare(running, episodes)
            assert await running.stop() == 0
    for episode in episodes:
        print(f"{episode.fault.knob}={episode.fault.bad}: {episode.end - episode.start:.1f} s")


async def test_four_faults_are_logged_at_the_right_times(tmp_path: Path) -> None:
    await watch_faults(tmp_path, FAULTS[:4], 16.0)


@pytest.mark.proof
async def test_ten_minutes_of_faults_are_logged_at_the_right_times(
    tmp_path: Path,
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    faults = random.Random(seed).choices(FAULTS, k=30)
    await watch_faults(tmp_path, faults, 600.0)
