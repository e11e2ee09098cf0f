"""A take-over by the next member loses and doubles nothing, and forgets no silence."""

from random import Random

import pytest

from tests.faults.takeover import KINDS, config, drawn
from tests.regions.test_situations import outcome_of


def test_a_seed_gives_the_same_rounds_again() -> None:
    first, second = Random(3), Random(3)
    assert [drawn(first) for _ in range(50)] == [drawn(second) for _ in range(50)]


def test_everybody_runs_after_a_round() -> None:
    random = Random(4)
    for each in (drawn(random) for _ in range(200)):
        kills = [kill for kill in (each.kill, each.second_kill) if kill < float("inf")]
        assert each.starts[1] > max(*kills, each.end)
        assert each.end >= 20.0


def test_each_round_has_targets_of_its_own() -> None:
    text = config(6)
    assert text.count("[[http]]") == 6 * len(KINDS)
    assert text.count('severity = "warning"') == 6


@pytest.mark.nightly
@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(3600)
async def test_whoever_is_killed_while_much_is_open_breaks_no_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.regions.test_situations.MAX_SECONDS", 3000.0)
    code, out = await outcome_of("tests.faults.takeover", "12", "3", "1")
    print(out[-2000:])
    assert code == 0, out
