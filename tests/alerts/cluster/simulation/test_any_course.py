"""Any course of outages, partitions and dead probes ends well, drawn at random."""

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from alerts.model import MessageType
from tests.alerts.cluster.simulation.cluster_simulation import REGIONS, Village
from tests.alerts.cluster.simulation.test_cluster_simulation import ALL, SOON

# Each example is half an hour of three probes: those that failed once are played here, any others
# in proof, where a failing one is not made smaller for minutes.
KNOWN = (Phase.explicit,)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
regions = st.sets(st.sampled_from(REGIONS))
pairs = st.sets(st.sampled_from([frozenset({a, b}) for a in REGIONS for b in REGIONS if a < b]))
steps = st.lists(st.tuples(regions, pairs, regions, st.integers(1, 200)), max_size=6)
Steps = list[tuple[set[str], set[frozenset[str]], set[str], int]]


@settings(phases=KNOWN)
@given(steps)
@example([(ALL, set(), set(), 60), (ALL, set(), {"lax"}, 40), (set(), set(), {"lax"}, 60)])
def test_after_every_course_nothing_is_left_open_anywhere(steps: Steps) -> None:
    in_the_end_all_is_well(steps)


@pytest.mark.proof
@settings(max_examples=12, phases=PHASES)
@given(steps)
def test_after_every_course_nothing_is_left_open_for_long(steps: Steps) -> None:
    in_the_end_all_is_well(steps)


@pytest.mark.nightly
@settings(max_examples=100, phases=PHASES)
@given(steps)
def test_after_a_hundred_courses_nothing_is_left_open(steps: Steps) -> None:
    in_the_end_all_is_well(steps)


def in_the_end_all_is_well(steps: Steps) -> None:
    """Steps of outages, partitions and dead probes; then all is over everywhere."""
    village = Village()
    village.pass_(60)
    for down, apart, dead, seconds in steps:
        village.town.down, village.town.apart = down, apart
        for region in REGIONS:
            if region in dead:
                village.kill(region)
            else:
                village.start(region)
        village.pass_(seconds)
    village.town.down, village.town.apart = set(), set()
    for region in REGIONS:
        village.start(region)
    village.pass_(1200)
    assert village.town.incidents == {}
    last = {message.key: message for _, _, message in village.town.chat}
    assert {message.occasion for message in last.values()} <= {MessageType.RESOLVED}
    assert all(probe.pipeline.group_store.views == {} for probe in village.probes.values())
    # And what is down everywhere from now on is sent again, once.
    before, opened = len(village.town.chat), village.town.opened
    village.town.down = set(ALL)
    village.pass_(SOON + 30)
    assert village.town.opened == opened + 1
    assert len(village.town.chat) == before + 1


outages = st.lists(st.tuples(regions, st.integers(1, 200)), max_size=8)


@settings(phases=KNOWN)
@given(outages)
# The one that waited for another to send stops waiting in the second in which that one sends.
@example([({"nrt"}, 149), (ALL, 16)])
# Two members see four outages, so that it flaps for them alone: they end it a quarter of an hour
# after it was resolved, and learn of that end all the same.
@example(
    [
        (ALL, 138),
        (set(), 154),
        ({"fra", "nrt"}, 170),
        (set(), 119),
        ({"fra", "nrt"}, 93),
        (set(), 212),
        (ALL, 31),
    ]
)
def test_while_all_hear_each_other_nothing_is_reported_twice(
    steps: list[tuple[set[str], int]],
) -> None:
    nothing_is_reported_twice(steps)


@pytest.mark.proof
@settings(max_examples=12, phases=PHASES)
@given(outages)
def test_while_all_hear_each_other_nothing_is_reported_twice_for_long(
    steps: list[tuple[set[str], int]],
) -> None:
    nothing_is_reported_twice(steps)


@pytest.mark.nightly
@settings(max_examples=100, phases=PHASES)
@given(outages)
def test_while_all_hear_each_other_a_hundred_courses_report_nothing_twice(
    steps: list[tuple[set[str], int]],
) -> None:
    nothing_is_reported_twice(steps)


def nothing_is_reported_twice(steps: list[tuple[set[str], int]]) -> None:
    """Steps of outages; each incident is opened and resolved once in the chat."""
    village = Village()
    village.pass_(60)
    for down, seconds in steps:
        village.town.down = down
        village.pass_(seconds)
    village.town.down = set()
    village.pass_(1200)
    open_now: set[str] = set()
    for _, _, message in village.town.chat:
        if message.occasion is MessageType.FIRING:
            assert message.key not in open_now
            open_now.add(message.key)
        elif message.occasion is MessageType.RESOLVED:
            assert message.key in open_now
            open_now.remove(message.key)
    assert open_now == set()
