"""What several probes tell as one, as each service and each person gets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.cluster.decisions.leader import NOTIFY_TIMEOUT_SECONDS, OtherMember, elect
from alerts.notification.template import lines
from alerts.notifiers import NOTIFIERS
from alerts.notifiers.pagerduty import dedup_key
from alerts.outbox.codec import dump_alert, load_alert
from alerts.role import THIS_PROBE, Assignment, Role
from alerts.state.labels import label_set
from tests.alerts.samples import failing, sample_message, slow

VIEW = "seen from fra and lax, fine from nrt"


def test_what_probes_send_together_has_the_same_labels_and_key_from_each() -> None:
    here, there = failing(region="", view=VIEW), failing(region="", view="seen from fra and lax")
    assert label_set(here) == label_set(there)
    assert "region" not in label_set(here)
    assert label_set(failing(region="fra"))["region"] == "fra"
    assert dedup_key("paircam.live") != dedup_key("paircam.live (fra)")


def test_services_that_know_an_incident_by_its_key_are_reported_by_every_probe() -> None:
    assert {each.name for each in NOTIFIERS if each.deduplicates} == {"pagerduty", "alertmanager"}


def test_a_message_says_who_sees_it_and_where_one_alert_differs() -> None:
    one = failing(region="", view=VIEW)
    message = sample_message(firing=(one, slow(region="", view="seen from lax and nrt")))
    text = "\n".join(lines(message))
    assert text.count(VIEW) == 1
    assert text.count("seen from lax and nrt") == 1
    alone = "\n".join(lines(sample_message()))
    assert "seen from lax" in alone


def test_who_sees_an_alert_is_kept_and_what_an_older_version_kept_can_be_read() -> None:
    alert = failing(view=VIEW)
    assert load_alert(dump_alert(alert)) == alert
    older = dump_alert(alert).replace(f',"view":"{VIEW}"', "")
    assert load_alert(older) == replace(alert, view="")


FIRST, LATER = OtherMember("fra", ahead=True), OtherMember("nrt", ahead=False)


@pytest.mark.parametrize(
    ("owner", "others", "waited", "assignment"),
    [
        (None, [], 0.0, Assignment(Role.SEND)),
        (None, [FIRST], 0.0, Assignment(Role.SEND)),
        (None, [replace(FIRST, sees=True)], 0.0, Assignment(Role.WAIT)),
        (None, [replace(FIRST, sees=True)], NOTIFY_TIMEOUT_SECONDS, Assignment(Role.SEND)),
        (None, [replace(LATER, sees=True)], 0.0, Assignment(Role.SEND)),
        (None, [replace(LATER, owns=True)], 0.0, Assignment(Role.STANDBY, "nrt")),
        (None, [replace(LATER, holds=True)], 0.0, Assignment(Role.STANDBY, "nrt")),
        (THIS_PROBE, [replace(LATER, owns=True)], 0.0, Assignment(Role.SEND)),
        (THIS_PROBE, [replace(FIRST, owns=True)], 0.0, Assignment(Role.STANDBY, "fra")),
        ("fra", [replace(FIRST, owns=True)], 0.0, Assignment(Role.STANDBY, "fra")),
        ("syd", [replace(FIRST, holds=True)], 0.0, Assignment(Role.WAIT)),
        ("syd", [replace(LATER, holds=True)], 0.0, Assignment(Role.SEND)),
        ("syd", [], 0.0, Assignment(Role.SEND)),
    ],
)
def test_the_first_that_sees_it_reports_and_the_next_goes_on(
    owner: str | None, others: list[OtherMember], waited: float, assignment: Assignment
) -> None:
    assert elect(owner, False, others, waited, 100.0) == assignment


@pytest.mark.parametrize(("ended", "part"), [(50.0, Role.FORGET), (150.0, Role.SEND)])
@pytest.mark.parametrize("owner", [THIS_PROBE, "fra"])
def test_what_another_has_resolved_is_not_resolved_again(
    owner: str, ended: float, part: Role
) -> None:
    """Unless that was an incident before this one, which began 100 s ago."""
    found = elect(owner, True, [replace(LATER, ended=ended)], 0.0, 100.0)
    assert found.role is part


others = st.builds(
    OtherMember,
    st.sampled_from(["fra", "nrt", "syd"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | st.floats(0, 600),
)


@given(
    st.sampled_from([None, THIS_PROBE, "fra"]),
    st.booleans(),
    st.lists(others, max_size=4),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
)
def test_one_member_always_reports(
    owner: str | None, over: bool, found: list[OtherMember], waited: float, opened: float
) -> None:
    assignment = elect(owner, over, found, waited, opened)
    match assignment.role:
        case Role.WAIT:
            # For one that comes before, and for ever only for one that knows of it.
            assert any(each.ahead for each in found)
            assert waited < NOTIFY_TIMEOUT_SECONDS * len(found) or any(each.holds for each in found)
        case Role.STANDBY:
            assert any(each.owns or each.holds for each in found)
        case Role.FORGET:
            assert over
            assert any(each.ended is not None for each in found)
