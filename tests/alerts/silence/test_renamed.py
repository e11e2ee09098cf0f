"""A silence that names a check goes on when that is renamed."""

import asyncio
import logging
from pathlib import Path

import pytest

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import Silence
from alerts.silence.renamed import with_name
from tests.alerts.state.test_over_reloads import a_check
from tests.clocks import Clock
from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder

START = 1_800_000_000.0


@pytest.mark.parametrize(
    ("matchers", "renamed"),
    [
        (("old",), ("old", "new")),
        (("ol?", "severity=critical"), ("ol?", "severity=critical", "new")),
        (("*",), ("*",)),
        (("other", "kind=toy"), ("other", "kind=toy")),
        (("check=old", "severity=critical"), ("check=~old|new", "severity=critical")),
        (("check=~o.*",), ("check=~o.*|new",)),
        (("check=~.*",), ("check=~.*",)),
        # What leaves the check out goes on doing so.
        (("check!=old",), ("check!~old|new",)),
        (("check!~o.*", "*"), ("check!~o.*|new", "*")),
        (("check!=other",), ("check!=other",)),
        (("provider=old",), ("provider=old",)),
    ],
)
def test_matchers_that_name_a_check_name_the_renamed_one_too(
    matchers: tuple[str, ...], renamed: tuple[str, ...]
) -> None:
    assert with_name(matchers, "old", "new") == renamed
    assert with_name(renamed, "old", "new") == renamed


def test_a_name_with_signs_of_expressions_is_taken_as_it_is() -> None:
    assert with_name(("check=a.b",), "a.b", "c+d") == (r"check=~a\.b|c\+d",)


async def _silenced(folder: Path) -> tuple[AlertManager, Clock]:
    clock = Clock(START)
    config = AlertingConfig("lax", {}, ())
    manager = AlertManager(config, folder, now=clock, clock=clock)
    await manager.open()
    manager.set_checks([a_check("old"), a_check("other", place="y")])
    await manager.add_silence(Silence("s", ("old",), "eva", "", START, START + 9000.0))
    return manager, clock


async def test_a_check_that_works_is_followed_over_a_reload_and_the_file_says_so(
    tmp_path: Path,
) -> None:
    manager, _ = await _silenced(tmp_path)
    manager.set_checks([a_check("new"), a_check("other", place="y")])
    assert [each.matches for each in await manager.read_silences()] == [("old", "new")]
    await manager.close()
    again = AlertManager(AlertingConfig("lax", {}, ()), tmp_path, now=Clock(START))
    await again.open()
    assert [each.matches for each in await again.read_silences()] == [("old", "new")]
    await again.close()


async def test_a_silence_follows_into_no_check_that_was_there_or_watches_something_else(
    tmp_path: Path,
) -> None:
    manager, _ = await _silenced(tmp_path)
    for checks in (
        [a_check("other", place="y")],
        [a_check("other", place="y"), a_check("third", place="z")],
        [a_check("new"), a_check("newer"), a_check("other", place="y")],
    ):
        manager.set_checks([a_check("old"), a_check("other", place="y")])
        manager.set_checks(checks)
        assert [each.matches for each in await manager.read_silences()] == [("old",)]
    await manager.close()


@pytest.mark.parametrize("kill", [None, 399.9, 401.0, 600.5])
@pytest.mark.parametrize("kind", ["kill", "stop"])
def test_nothing_is_sent_of_a_silenced_outage_whose_check_is_renamed(
    kind: Kind, kill: float | None
) -> None:
    logging.disable(logging.CRITICAL)
    faults = [
        Fault("silence", "a", 50.0, 2000.0),
        Fault("outage", "a", 100.0, 1500.0),
        Fault("rename", "a", 400.0, 600.0),
    ]
    if kill is not None:
        faults.append(Fault(kind, "process", kill, 6000.0, size=3))
    faults.sort(key=lambda fault: fault.start)
    try:
        with memory_folder() as folder:
            run = Simulation(Scenario(0, ("a", "b"), tuple(faults), 4000.0), folder).play()
    finally:
        logging.disable(logging.NOTSET)
    assert violations(run) == []
    assert {name: each.incidents for name, each in run.receivers.items()} == {
        "pager": [],
        "chat": [],
    }


async def test_a_check_that_is_renamed_between_two_readings_is_silenced_at_once(
    tmp_path: Path,
) -> None:
    """Whatever a flush waits for between reading the silences and using them."""
    manager, _ = await _silenced(tmp_path)
    await manager.read_silences()
    manager.set_checks([a_check("new"), a_check("other", place="y")])
    assert [each.matches for each in manager.silences] == [("old", "new")]
    await manager.close()


async def test_two_readings_at_once_follow_every_silence(tmp_path: Path) -> None:
    manager, _ = await _silenced(tmp_path)
    await manager.add_silence(Silence("t", ("ol?",), "eva", "", START, START + 9000.0))
    manager.set_checks([a_check("new"), a_check("other", place="y")])
    for found in await asyncio.gather(*(manager.read_silences() for _ in range(4))):
        assert {each.matches for each in found} == {("old", "new"), ("ol?", "new")}
    assert {each.matches for each in manager.silences} == {("old", "new"), ("ol?", "new")}
    await manager.close()
