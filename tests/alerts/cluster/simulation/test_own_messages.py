"""Two probes have each sent a message of one incident, to a chat whose messages are edited: at the
end none of them says that it goes on, and people are notified once."""

from random import Random

import pytest

from alerts.model import MessageType
from tests.alerts.cluster.simulation.cluster_simulation import REGIONS, Village
from tests.alerts.cluster.simulation.test_many_members import NAMES, phases


def a_village(members: tuple[str, ...] = REGIONS) -> Village:
    """It has lived for a while."""
    village = Village(members, members)
    village.town.edits = True
    village.pass_(30)
    return village


def red(village: Village) -> list[str]:
    """Regions whose message says that something fires."""
    last = {region: message for _, region, message in village.town.chat}
    return [region for region, each in last.items() if each.occasion is not MessageType.RESOLVED]


def loud(village: Village) -> list[str]:
    """What people are notified of."""
    return [each.occasion.value for _, _, each in village.town.chat if not each.quiet]


def cut(village: Village, region: str) -> None:
    others = set(village.town.regions) - {region}
    village.town.apart = {frozenset({region, each}) for each in others}


@pytest.mark.parametrize("region", REGIONS)
def test_a_network_that_heals_in_the_outage_leaves_no_message_open(region: str) -> None:
    village = a_village()
    cut(village, region)
    village.town.down = set(REGIONS)
    village.pass_(150)
    assert loud(village) == ["firing", "firing"]
    village.town.apart.clear()
    village.pass_(60)
    village.town.down.clear()
    village.pass_(120)
    assert loud(village) == ["firing", "firing", "resolved"]
    assert red(village) == []


@pytest.mark.parametrize("members", [("lax", "fra"), ("lax", "fra", "nrt", "gru", "jnb")])
def test_so_it_is_with_two_and_with_five(members: tuple[str, ...]) -> None:
    village = a_village(members)
    cut(village, members[0])
    village.town.down = set(members)
    village.pass_(150)
    village.town.apart.clear()
    village.pass_(60)
    village.town.down.clear()
    village.pass_(120)
    assert loud(village).count("resolved") == 1
    assert red(village) == []


def test_one_that_was_killed_ends_its_own_message_when_it_is_back() -> None:
    village = a_village()
    village.town.down = set(REGIONS)
    village.pass_(60)
    (sender,) = red(village)
    village.kill(sender)
    village.pass_(60)
    village.town.down.clear()
    village.pass_(200)
    village.start(sender)
    village.pass_(60)
    assert loud(village).count("resolved") == 1
    assert red(village) == []


def test_who_has_only_stood_by_sends_nothing_at_the_end() -> None:
    village = a_village()
    village.town.down = set(REGIONS)
    village.pass_(100)
    village.town.down.clear()
    village.pass_(120)
    assert [each.quiet for _, _, each in village.town.chat] == [False, False]


def course(members: tuple[str, ...], seed: int) -> Village:
    """An outage with cuts and deaths by chance, and calm after it."""
    choose, village = Random(seed), a_village(members)
    town, (phase,) = village.town, phases(members, 1, seed)
    rest = set(members) - phase.lost
    if phase.dead:
        for name in phase.lost:
            village.kill(name)
    else:
        town.apart = {frozenset({one, other}) for one in phase.lost for other in rest}
    town.down = set(phase.seers)
    village.pass_(choose.choice([60, 150]))
    for _ in range(choose.randint(0, 2)):
        for name in members:
            village.start(name)
        cut(village, choose.choice(members))
        village.pass_(choose.choice([5, 30, 90]))
        town.apart = set()
    town.down = set()
    village.pass_(choose.choice([20, 60]))
    for name in members:
        village.start(name)
    town.apart = set()
    village.pass_(250)
    return village


@pytest.mark.parametrize(
    "seeds", [range(8), pytest.param(range(8, 200), marks=pytest.mark.nightly)], ids=str
)
def test_whatever_is_cut_and_killed_no_message_stays_open(seeds: range) -> None:
    for seed in seeds:
        village = course(NAMES[: 2 + seed % 4], seed)
        last = {(region, each.key): each for _, region, each in village.town.chat}
        assert all(each.occasion is MessageType.RESOLVED for each in last.values()), seed
        assert not village.town.incidents, seed
