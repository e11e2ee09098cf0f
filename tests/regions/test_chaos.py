"""Random faults on real daemons; what is drawn from a seed, and what a tally counts as broken."""

import pytest
from msgspec.structs import replace

from tests.regions.chaos import TROUBLES, Fault, Outcome, faults, tally
from tests.regions.test_situations import outcome

FAULT = Fault((0, 1), "killed", 0, early=False, healed=True, seconds=12.0)
KEPT = Outcome(FAULT, pages=1, resolves=1, firing=1, resolved=1, ended=True)
ALONE = replace(KEPT, fault=replace(FAULT, seers=(2,)), pages=0, resolves=0, firing=0, resolved=0)


def test_a_seed_gives_the_same_faults_again_and_another_one_others() -> None:
    assert faults(50, 5, seed=3) == faults(50, 5, seed=3)
    assert faults(50, 5, seed=3) != faults(50, 5, seed=4)


def test_faults_of_a_member_never_hide_an_outage_that_several_see() -> None:
    drawn = faults(500, 3, seed=1)
    assert {each.trouble for each in drawn} == set(TROUBLES)
    assert all(len({*each.seers} - {each.member}) > 1 for each in drawn if each.is_shared)
    assert any(not each.is_shared for each in drawn)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (replace(KEPT, pages=0), "lost"),
        (replace(KEPT, firing=0), "lost"),
        (replace(KEPT, pages=2), "paged twice"),
        (replace(KEPT, firing=3), "chat doubled by more than one"),
        (replace(KEPT, resolved=0), "chat without an end"),
        (replace(KEPT, ended=False), "never ended"),
        (replace(ALONE, pages=1), "paged for one region"),
    ],
)
def test_the_tally_names_every_broken_promise(found: Outcome, problem: str) -> None:
    assert problem in found.problems
    assert problem in tally([KEPT, found])


def test_one_doubled_message_is_allowed_and_counted() -> None:
    doubled = replace(KEPT, firing=2)
    assert doubled.problems == ALONE.problems == []
    text = tally([KEPT, doubled, ALONE])
    assert "seen by several: 2, with exactly one page and one resolve: 2" in text
    assert "seen by one: 1, paged: 0" in text
    assert "chat doubled by one: 1, by more: 0" in text


@pytest.mark.proof
@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(1800)
async def test_random_faults_break_no_promise() -> None:
    code, out = await outcome("chaos", "--members", "3", "--seed", "7", "--seconds", "90")
    print(out[-2000:])
    assert code == 0, out


@pytest.mark.nightly
@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("members", [3, 5])
async def test_an_hour_of_random_faults_breaks_no_promise(
    members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.regions.test_situations.MAX_SECONDS", 6000.0)
    options = ["--members", str(members), "--seed", "11", "--seconds", "3600", "--faults", "1000"]
    code, out = await outcome("chaos", *options)
    print(out[-2000:])
    assert code == 0, out
