"""Three, five and seven members on a moved clock: whatever befalls a minority, by a seed."""

import random

import pytest
from msgspec import Struct

from alerts.model import MessageType
from tests.alerts.cluster.simulation.cluster_simulation import GROUP, HOLD, INTERVAL, Village

NAMES = ("lax", "fra", "nrt", "gru", "syd", "iad", "ams")
# What an outage may take until it is paged, and its end until it is resolved.
SOON, END = int(HOLD + INTERVAL) + 30, int(INTERVAL) + 30


class Phase(Struct, frozen=True):
    """``seers`` see the target fail; ``lost`` are cut off from the others together, or dead."""

    seers: frozenset[str]
    lost: frozenset[str]
    dead: bool
    seconds: int

    @property
    def is_seen(self) -> bool:
        """Whether two that hear a majority see it."""
        return len(self.seers - self.lost) > 1

    @property
    def is_one_regions(self) -> bool:
        """Whether one region that can ask the others sees it, and no other one does."""
        return len(self.seers) == 1 and not self.seers & self.lost


def phases(names: tuple[str, ...], count: int, seed: int) -> list[Phase]:
    """So many phases."""
    choose = random.Random(seed)
    found = []
    for _ in range(count):
        lost = choose.sample(names, choose.randint(0, (len(names) - 1) // 2))
        sizes = (1, 2, len(names) // 2 + 1, len(names))
        seers = choose.sample(names, choose.choice(sizes))
        dead, seconds = choose.random() < 0.5, choose.randint(SOON, SOON + 60)
        found.append(Phase(frozenset(seers), frozenset(lost), dead, seconds))
    return found


def live_through(village: Village, phase: Phase) -> None:
    """One phase from calm to calm; every promise is looked at in it."""
    town, names = village.town, village.town.regions
    chat, opened = len(town.chat), town.opened
    if phase.dead:
        for name in phase.lost:
            village.kill(name)
    else:
        rest = set(names) - phase.lost
        town.apart = {frozenset({one, other}) for one in phase.lost for other in rest}
    town.down = set(phase.seers)
    village.pass_(phase.seconds)
    if phase.is_seen:
        assert GROUP in town.incidents, f"lost: {phase}"
    if phase.is_one_regions:
        assert town.opened == opened, f"paged for one region: {phase}"
    town.down = set()
    village.pass_(END)
    if phase.is_seen:
        assert not town.incidents, f"not resolved: {phase}"
    town.apart = set()
    for name in names:
        village.start(name)
    # A cut-off minority that notified by itself resolves it once it is heard again.
    village.pass_(90)
    assert not town.incidents, f"never ended: {phase}"
    assert town.opened <= opened + 1, f"paged twice: {phase}"
    of_group = [each.occasion for _, _, each in town.chat[chat:] if each.key == GROUP]
    assert of_group.count(MessageType.FIRING) <= 2, f"doubled: {phase} {of_group}"
    assert of_group[-1:] in ([], [MessageType.RESOLVED]), f"no end: {phase} {of_group}"
    last = {each.key: each.occasion for _, _, each in town.chat[chat:]}
    assert set(last.values()) <= {MessageType.RESOLVED}, f"left open: {phase} {last}"
    assert all(not probe.pipeline.group_store.views for probe in village.probes.values())


def walk(members: int, count: int, seed: int) -> None:
    """A village for each phase: outages in quick succession would be flapping, which ends later."""
    names = NAMES[:members]
    for phase in phases(names, count, seed):
        village = Village(names, names)
        village.pass_(60)
        live_through(village, phase)


def test_with_faults_of_two_of_five_people_are_notified_once() -> None:
    walk(5, 2, seed=1)


@pytest.mark.proof
@pytest.mark.parametrize("members", [3, 5, 7])
def test_with_faults_of_a_minority_people_are_notified_once(members: int) -> None:
    walk(members, 8, seed=members)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("members", [3, 5, 7])
def test_hours_of_faults_of_a_minority_break_no_promise(members: int, seed: int) -> None:
    walk(members, 20, seed=1000 * members + seed)
