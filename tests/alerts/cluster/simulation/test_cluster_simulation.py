"""Whatever happens to three probes and their target, people are notified, once if it can be."""

import pytest

from alerts.cluster.decisions.quorum import ALONE_SECONDS, EASE_SECONDS, RESOLVE_ALONE_SECONDS
from alerts.model import MessageType, Severity
from tests.alerts.cluster.simulation.cluster_simulation import HOLD, INTERVAL, REGIONS, Village

ALL = set(REGIONS)


# The first failed look, the hold, and what asking takes.
SOON = int(HOLD) + 20


@pytest.fixture
def village() -> Village:
    """Three probes that have looked and asked."""
    found = Village()
    found.pass_(60)
    return found


def test_one_region_is_a_warning_that_names_it(village: Village) -> None:
    village.town.down = {"fra"}
    village.pass_(900)
    assert village.town.headlines() == [
        "firing: health: it did not work (seen from fra alone)",
    ]
    message = village.town.chat[0][2]
    assert message.severity is Severity.WARNING
    assert message.key == "paircam.live (fra)"
    assert str(message.firing[0].identity) == 'health/failing{seen_from="fra"}'
    assert message.firing[0].region == "fra"
    village.town.down = set()
    village.pass_(120)
    assert village.town.headlines()[1:] == ["resolved: health recovered"]
    assert village.town.pages == []


def test_a_target_that_is_down_is_one_page_and_one_message(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    assert village.town.headlines() == ["firing: health: it did not work"]
    ((_, teller, message),) = village.town.chat
    assert teller == "lax"
    assert (message.key, message.firing[0].region) == ("paircam.live", "")
    assert message.firing[0].view.startswith("seen from fra, lax and nrt")
    assert {region for _, region, _ in village.town.pages} == ALL
    assert village.town.opened == 1
    village.town.down = set()
    village.pass_(SOON)
    assert village.town.headlines()[1:] == ["resolved: health recovered"]
    assert (village.town.incidents, village.town.opened) == ({}, 1)


def test_two_of_three_regions_make_a_page(village: Village) -> None:
    village.town.down = {"fra", "nrt"}
    village.pass_(SOON)
    ((_, teller, message),) = village.town.chat
    # The first in order does not see it.
    assert teller == "fra"
    assert message.firing[0].view == "seen from fra and nrt, fine from lax"
    assert village.town.opened == 1


def test_a_region_that_sees_it_first_becomes_a_page_when_the_others_follow(
    village: Village,
) -> None:
    village.town.down = {"nrt"}
    village.pass_(300)
    village.town.down = set(ALL)
    village.pass_(SOON)
    headlines = village.town.headlines()
    assert headlines[0] == "firing: health: it did not work (seen from nrt alone)"
    assert "firing: health: it did not work" in headlines[1:]
    assert [each for each in headlines if each.startswith("resolved: health: seen from")]
    assert len(headlines) == 3
    assert village.town.opened == 1


def test_a_region_that_goes_on_seeing_it_alone_keeps_the_warning(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.town.down = {"fra"}
    village.pass_(int(EASE_SECONDS) + 60)
    assert village.town.incidents == {}
    last = {message.key: message.occasion for _, _, message in village.town.chat}
    assert last == {
        "paircam.live": MessageType.RESOLVED,
        "paircam.live (fra)": MessageType.FIRING,
    }


@pytest.mark.parametrize("empty", [False, True])
def test_the_one_that_sent_is_killed_and_comes_back(village: Village, empty: bool) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.kill("lax")
    village.pass_(300)
    village.start("lax", empty=empty)
    village.pass_(300)
    assert len(village.town.chat) == 1
    village.town.down = set()
    village.pass_(120)
    assert village.town.headlines()[1:] == ["resolved: health recovered"]
    assert (village.town.incidents, village.town.opened) == ({}, 1)


def test_the_one_that_sent_is_away_for_the_end(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.kill("lax")
    village.pass_(60)
    village.town.down = set()
    village.pass_(120)
    assert village.town.headlines()[1:] == ["resolved: health recovered"]
    village.start("lax")
    village.pass_(120)
    assert len(village.town.chat) == 2
    assert village.town.incidents == {}


def test_no_one_to_ask_is_a_page_later_that_says_so(village: Village) -> None:
    village.kill("fra")
    village.kill("nrt")
    village.pass_(30)
    village.town.down = set(ALL)
    began = village.town.now
    village.pass_(int(HOLD + ALONE_SECONDS) - 1)
    assert village.town.pages == []
    village.pass_(20)
    ((at, _, message), *_) = village.town.pages
    assert at - began >= HOLD + ALONE_SECONDS
    assert "no other region could be asked" in message.title
    assert "no word from fra and nrt" in message.title


def test_asking_that_never_ends_keeps_nothing_back_for_ever() -> None:
    village = Village(["fra"])
    probe = village.probes["fra"]

    async def never() -> None:
        """Nothing comes of it."""

    probe.cluster.query_members = never  # type: ignore[method-assign]
    village.town.down = {"fra"}
    village.pass_(int(HOLD + ALONE_SECONDS) - 1)
    # Who was never asked is not nobody.
    assert village.town.pages == []
    village.pass_(30)
    ((_, _, message), *_) = village.town.pages
    assert "no word from fra:9091, lax:9091 and nrt:9091" in message.title


def test_two_halves_that_do_not_hear_each_other_open_one_incident(village: Village) -> None:
    village.town.apart = {frozenset({"lax", "fra"}), frozenset({"lax", "nrt"})}
    village.pass_(30)
    village.town.down = set(ALL)
    village.pass_(300)
    assert village.town.opened == 1
    assert {region for _, region, _ in village.town.chat} == {"lax", "fra"}
    village.town.apart = set()
    village.pass_(30)
    village.town.down = set()
    village.pass_(300)
    assert village.town.incidents == {}
    assert village.town.headlines()[2:] == ["resolved: health recovered"]


@pytest.mark.parametrize("minutes", [8, pytest.param(30, marks=pytest.mark.proof)])
def test_a_single_failed_run_of_another_member_makes_no_page(
    village: Village, minutes: int
) -> None:
    village.town.down = {"fra"}
    village.pass_(300)
    for _ in range(minutes):
        village.town.down = {"fra", "nrt"}
        village.pass_(10)
        village.town.down = {"fra"}
        village.pass_(50)
    assert village.town.pages == []


LAX_APART = {frozenset({"lax", "fra"}), frozenset({"lax", "nrt"})}


def test_a_minority_that_sees_the_end_resolves_nothing(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.town.apart = LAX_APART
    village.pass_(20)
    village.town.down = {"fra", "nrt"}
    village.pass_(90)
    assert set(village.town.incidents) == {"paircam.live"}
    village.town.apart = set()
    village.pass_(120)
    assert set(village.town.incidents) == {"paircam.live"}
    assert village.town.opened == 1
    assert {message.occasion for _, _, message in village.town.chat} == {MessageType.FIRING}


def test_what_a_cut_off_minority_has_resolved_is_opened_again(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.town.apart = LAX_APART
    village.pass_(20)
    village.town.down = {"fra", "nrt"}
    village.pass_(int(RESOLVE_ALONE_SECONDS) + 60)
    # It could ask nobody, and could not wait for ever.
    assert village.town.incidents == {}
    village.town.apart = set()
    village.pass_(30)
    assert set(village.town.incidents) == {"paircam.live"}
    firing = [m for _, _, m in village.town.chat if m.occasion is MessageType.FIRING]
    assert len(firing) == 2
    village.town.down = set()
    village.pass_(120)
    assert village.town.incidents == {}
    assert village.town.chat[-1][2].occasion is MessageType.RESOLVED


def test_the_end_is_sent_within_half_a_minute_of_the_majoritys_recovery(
    village: Village,
) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    village.town.down = {"nrt"}
    # Until all have looked again, which is within an interval.
    village.pass_(int(INTERVAL) + 30)
    assert village.town.incidents == {}
