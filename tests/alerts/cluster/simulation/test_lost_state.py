"""All probes start with nothing stored, and the pager says that an incident is open there."""

from collections.abc import Collection

import pytest

from alerts.unknown_groups import SETTLE_SECONDS
from tests.alerts.cluster.simulation.cluster_simulation import GROUP, REGIONS, Village

KEY = ("pager", GROUP)
# Until an end is agreed on, settled and sent.
ENOUGH = int(SETTLE_SECONDS) + 120


def lost_in_mid_outage(
    *, of: Collection[str] = REGIONS, after: Collection[str] = REGIONS
) -> Village:
    """An outage that all see is paged; those in ``of`` start anew, empty, and learn that it is
    open; ``after`` that the target fails for these."""
    village = Village()
    village.pass_(30)
    village.town.down = set(REGIONS)
    village.pass_(120)
    assert GROUP in village.town.incidents
    for region in of:
        village.kill(region)
    village.town.down = set(after)
    for region in of:
        village.start(region, empty=True)
        village.probes[region].pipeline.resolve_unknown({KEY})
    return village


def test_what_works_again_is_resolved_once_all_had_the_time_to_confirm_it() -> None:
    village = lost_in_mid_outage(after=())
    village.pass_(int(SETTLE_SECONDS) - 15)
    assert GROUP in village.town.incidents
    village.pass_(ENOUGH)
    assert not village.town.incidents
    assert village.town.opened == 1


@pytest.mark.parametrize("after", [REGIONS, REGIONS[1:]], ids=["all see it", "all but one"])
def test_what_goes_on_stays_open_and_gets_its_end_in_its_time(after: Collection[str]) -> None:
    village = lost_in_mid_outage(after=after)
    for _ in range(12):
        village.pass_(10)
        assert GROUP in village.town.incidents
    village.town.down.clear()
    village.pass_(ENOUGH)
    assert not village.town.incidents
    assert village.town.opened == 1


def test_one_that_lost_everything_leaves_open_what_the_others_know_of() -> None:
    village = lost_in_mid_outage(of=REGIONS[:1], after=REGIONS[1:])
    for _ in range(12):
        village.pass_(10)
        assert GROUP in village.town.incidents
    assert village.town.opened == 1


def test_what_fails_for_one_alone_is_resolved_by_the_others() -> None:
    village = lost_in_mid_outage(after=REGIONS[:1])
    village.pass_(ENOUGH)
    assert not village.town.incidents


def test_a_member_that_reaches_no_other_waits_before_it_resolves() -> None:
    village = lost_in_mid_outage(of=REGIONS[:1], after=REGIONS[1:])
    village.town.apart = {frozenset({REGIONS[0], each}) for each in REGIONS[1:]}
    for _ in range(15):
        village.pass_(10)
        assert GROUP in village.town.incidents
