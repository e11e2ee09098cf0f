"""A warning waits for its group at every member: one sends it, whoever is lost meanwhile."""

import pytest

from probe.core.model import FailurePolicy, Verdict
from tests.alerts.cluster.simulation import cluster_simulation
from tests.alerts.cluster.simulation.cluster_simulation import HOLD, INTERVAL, REGIONS, Village
from tests.fake_kind import toy, toy_kind

# The hold, the wait for the group, and what asking takes.
SENT_SECONDS = int(HOLD) + 15 + 20
MILD = toy(
    "health",
    toy_kind(failing=FailurePolicy(Verdict.WARNING, hold=HOLD)),
    interval=INTERVAL,
    retry=5,
)


@pytest.fixture
def village(monkeypatch: pytest.MonkeyPatch) -> Village:
    """Probes that have looked and asked."""
    monkeypatch.setattr(cluster_simulation, "CHECK", MILD)
    found = Village()
    found.pass_(60)
    return found


def sent(village: Village) -> list[str]:
    return [str(message.occasion) for _, _, message in village.town.chat]


@pytest.mark.parametrize("seconds", range(0, 10, 3))
def test_members_whose_group_waits_end_together_send_one_message(
    village: Village, seconds: int
) -> None:
    """At each moment of their schedules, which begin seconds apart."""
    village.pass_(seconds)
    village.town.down = set(REGIONS)
    village.pass_(SENT_SECONDS + 20)
    assert sent(village) == ["firing"]
    village.town.down = set()
    village.pass_(120)
    assert sent(village) == ["firing", "resolved"]


@pytest.mark.parametrize("at", range(1, SENT_SECONDS, 9))
@pytest.mark.parametrize("back", [3, 120])
@pytest.mark.parametrize("lost", ["lax", "fra"])
def test_a_member_that_is_lost_and_comes_back_doubles_no_warning(
    village: Village, at: int, back: int, lost: str
) -> None:
    village.town.down = set(REGIONS)
    village.pass_(at)
    village.kill(lost)
    village.pass_(back)
    village.start(lost)
    village.pass_(200)
    assert sent(village) == ["firing"]
    village.town.down = set()
    village.pass_(200)
    assert sent(village) == ["firing", "resolved"]


@pytest.mark.parametrize("seconds", [1, 4, 8, 12, 15])
def test_who_has_sent_what_waits_here_is_known_when_that_member_is_lost(
    village: Village, seconds: int
) -> None:
    """The first member starts anew while another one sends, and that one is lost before the
    warning is due at the first."""
    village.kill("lax")
    village.town.down = set(REGIONS)
    village.pass_(SENT_SECONDS)
    assert sent(village) == ["firing"]
    sender = village.town.chat[0][1]
    village.start("lax")
    # It fires there after its hold, and would be due 15 s later.
    village.pass_(int(HOLD) + 5 + seconds)
    village.kill(sender)
    village.pass_(100)
    assert sent(village) == ["firing"]
