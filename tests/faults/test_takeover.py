"""A take-over by the next member loses and doubles nothing, and forgets no silence."""

from random import Random

import pytest

from tests.faults.takeover import KINDS, Round, config, drawn
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


@pytest.mark.parametrize(
    ("kill", "second", "back", "end", "certain"),
    [
        (1.0, float("inf"), 30.0, 38.0, True),  # two of three see it
        (1.1, 1.8, 30.4, 38.1, False),  # one sees it, then three for 8 s
        (1.1, 1.8, 5.0, 39.0, True),
        (20.0, 36.0, 20.0, 40.0, True),  # one after the other
        (10.0, 38.0, 50.0, 60.0, True),  # three and two for 38 s
        (10.0, 50.0, 50.0, 45.0, True),  # over by then
    ],
)
def test_what_a_majority_sees_for_long_enough_has_to_be_sent(
    kill: float, second: float, back: float, end: float, certain: bool
) -> None:
    assert Round(kill, second, back, end, False).is_certain(3) is certain
    assert Round(kill, second, back, end, False).is_certain(5)


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
