"""The headline of the status page names the cause that its checks share."""

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import Failure, Status, Verdict
from probe.report.status import Notice, StatusRow
from probe.report.text.headline import headline
from tests.report.status_samples import health, overview, signaling

NETWORK = Notice(Verdict.UNKNOWN, "Our own network is down", "All references fail.")


def unseen(row: StatusRow, cause: Cause, since: float) -> StatusRow:
    """A check that could not be measured."""
    failure = Failure("connect", cause, "every reference fails too: no answer", "look here")
    return replace(
        row, status=Status.UNKNOWN, verdict=Verdict.UNKNOWN, failure=failure, since=since
    )


def test_a_network_of_our_own_that_is_down_is_the_headline() -> None:
    """It was "health: could not be measured: every reference fails too: no answer"."""
    rows = (
        unseen(health(), Cause.OWN_NETWORK, 200.0),
        unseen(signaling(), Cause.OWN_NETWORK, 100.0),
    )
    found = headline(overview(Verdict.UNKNOWN, *rows, notices=[NETWORK]))
    assert (found.verdict, found.text) == (Verdict.UNKNOWN, "Our own network is down")
    assert (found.since, found.more) == (100.0, "2 checks not measured")


@pytest.mark.parametrize(
    ("cause", "notices"), [(Cause.OWN_CREDENTIALS, [NETWORK]), (Cause.OWN_NETWORK, [])]
)
def test_what_has_another_cause_or_is_over_is_named_itself(
    cause: Cause, notices: list[Notice]
) -> None:
    rows = (unseen(health(), cause, 200.0),)
    assert headline(overview(Verdict.UNKNOWN, *rows, notices=notices)).text.startswith("health: ")


def test_an_outage_comes_before_our_own_network() -> None:
    down = replace(health(), verdict=Verdict.CRITICAL, status=Status.FAILED)
    rows = (down, unseen(signaling(), Cause.OWN_NETWORK, 100.0))
    found = headline(overview(Verdict.CRITICAL, *rows, notices=[NETWORK]))
    assert found.text.startswith("health: ")
