"""A cluster that is set up wrongly says so: before it runs where it can, else as it runs."""

import pytest
from msgspec.structs import replace

from alerts.cluster.membership.configuration import (
    MAX_CLOCK_OFFSET,
    SETUP_KINDS,
    plan_digest,
    setup_problems,
)
from alerts.cluster.membership.member import NO_REGION, Member
from alerts.cluster.membership.peers_plan import static_warnings
from alerts.cluster.protocol.messages import MemberAnswer
from alerts.cluster.protocol.responder import LocalMember
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS
from tests.fake_kind import toy

ME = LocalMember("a" * 16, "lax", order=("a" * 16, "b" * 16), version="1.0", plan="p1")
ALIKE = MemberAnswer(id="b" * 16, region="fra", order=ME.order, version="1.0", plan="p1")
TOKEN = "0f-all-the-pr0bes"


def other(answer: MemberAnswer, offset: float | None = 0.1) -> Member:
    """Another member that answers so."""
    return Member("http://b:9091", (1, 0, b""), answer=answer, problem="", offset=offset)


def kinds(answer: MemberAnswer, offset: float | None = 0.1, me: LocalMember = ME) -> list[str]:
    """What is found to differ."""
    return [each.kind for each in setup_problems(me, [other(answer, offset)])]


def test_members_that_are_set_up_alike_have_no_problem() -> None:
    assert kinds(ALIKE) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"region": "lax"}, "region"),
        ({"region": NO_REGION}, None),
        ({"order": ME.order[::-1]}, "order"),
        ({"version": "2.0"}, "version"),
        ({"plan": "p2"}, "plan"),
        ({"plan": "p2", "witness": True}, None),
        # An older version says nothing of it.
        ({"order": (), "version": "", "plan": ""}, None),
    ],
)
def test_each_difference_is_one_problem(change: dict[str, object], kind: str | None) -> None:
    assert kinds(ALIKE.model_copy(update=change)) == ([kind] if kind else [])
    assert kind is None or kind in SETUP_KINDS


@pytest.mark.parametrize("offset", [MAX_CLOCK_OFFSET + 1, -MAX_CLOCK_OFFSET - 1])
def test_a_clock_that_is_off_is_a_problem_that_says_by_how_much(offset: float) -> None:
    (problem,) = setup_problems(ME, [other(ALIKE, offset)])
    assert problem.kind == "clock"
    assert "fra" in problem.text
    assert "6 s" in problem.text
    assert ("ahead of" if offset > 0 else "behind") in problem.text


def test_probes_without_a_region_are_counted() -> None:
    me = replace(ME, region=NO_REGION)
    (problem,) = setup_problems(me, [other(ALIKE.model_copy(update={"region": NO_REGION}))])
    assert "2 probes have no region" in problem.text
    assert "PROBE_REGION" in problem.text


def test_a_probe_alone_needs_no_region() -> None:
    """The page of everybody's first daemon would say that "the probes" differ."""
    assert setup_problems(replace(ME, region=NO_REGION), []) == []


def test_a_probe_without_a_region_is_called_by_its_address() -> None:
    assert other(ALIKE.model_copy(update={"region": NO_REGION})).name == "b:9091"
    assert other(ALIKE).name == "fra"


def test_two_plans_are_the_same_by_names_kinds_and_groups() -> None:
    one, two = toy("a"), toy("b")
    assert plan_digest([one, two], {"a": "x"}) == plan_digest([two, one], {"a": "x"})
    assert plan_digest([one, two], {"a": "x"}) != plan_digest([one, two], {"a": "y"})
    assert plan_digest([one], {}) != plan_digest([one, two], {})


def test_what_one_configuration_shows_is_warned_of_before_it_runs() -> None:
    assert static_warnings([], has_region=False) == ()
    assert static_warnings(["a", "b"], has_region=True) == ()
    assert "PROBE_REGION" in static_warnings(["a"], has_region=False)[0]
    assert "twice" in static_warnings(["a", "a"], has_region=True)[0]
    variables = {"PROBE_PEERS": "a", "PROBE_PEER_TOKEN": TOKEN, "BACKEND_URL": "http://x"}
    assert load_settings(KINDS, variables, alone=True).warnings
    named = {**variables, "PROBE_REGION": "lax"}
    assert load_settings(KINDS, named, alone=True).warnings == ()


def test_a_witness_checks_its_references_alone() -> None:
    variables = {
        "PROBE_PEERS": "a",
        "PROBE_PEER_TOKEN": TOKEN,
        "PROBE_WITNESS": "true",
        "BACKEND_URL": "http://x",
        "PROBE_REFERENCES": "https://a.example, https://b.example",
    }
    settings = load_settings(KINDS, variables, alone=True)
    assert settings.service.peers.witness
    assert settings.plan.checks
    assert all(check.table.is_reference for check in settings.plan.checks)
    assert any("PROBE_WITNESS" in skip.reason for skip in settings.plan.skipped)
    with pytest.raises(ConfigurationError, match="PROBE_WITNESS needs PROBE_PEERS"):
        load_settings(KINDS, {"PROBE_WITNESS": "true"}, alone=True)
