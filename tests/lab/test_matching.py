"""Who is matched with whom: PairCam's rules, without its network."""

import pytest

from probe.lab.matching import REMATCH_SECONDS, LabMatch, Matching, QueuedUser, problem_with

NOW = 1000.0


def waiting(name: str, queue: str = "casual", language: str = "") -> QueuedUser:
    """A user whose device has the user's name."""
    return QueuedUser(f"sid of {name}", name, queue, language)


def pair_of(match: LabMatch | None) -> set[str]:
    """The devices that were matched."""
    return {match.first.device, match.second.device} if match else set()


def test_two_of_one_queue_are_matched_and_no_longer_wait() -> None:
    matching = Matching()
    assert matching.join(waiting("a"), NOW) is None
    assert pair_of(matching.join(waiting("b"), NOW)) == {"a", "b"}
    assert matching.queue == []


@pytest.mark.parametrize("queue", ["serious", "gaming"])
def test_a_lone_user_is_matched_across_queues(queue: str) -> None:
    matching = Matching()
    matching.join(waiting("a", "casual"), NOW)
    assert pair_of(matching.join(waiting("b", queue), NOW)) == {"a", "b"}


def test_either_session_of_a_match_can_be_the_active_one() -> None:
    matching = Matching()
    matching.join(waiting("a"), NOW)
    match = matching.join(waiting("b"), NOW)
    assert match is not None
    for session in match.sessions:
        matching.activate(match, session)
        assert matching.sessions_of("sid of a") == matching.sessions_of("sid of b") == [session]


def test_the_own_queue_comes_before_the_others() -> None:
    matching = Matching(queue=[waiting("a", "casual"), waiting("b", "gaming")])
    assert pair_of(matching.join(waiting("c", "gaming"), NOW)) == {"b", "c"}


@pytest.mark.parametrize("queue", ["casual", "serious", "gaming"])
def test_the_language_queue_keeps_to_itself(queue: str) -> None:
    matching = Matching()
    matching.join(waiting("a", "language", "x-own"), NOW)
    assert matching.join(waiting("b", queue, "x-own"), NOW) is None
    assert matching.join(waiting("c", "language", "x-other"), NOW) is None
    assert pair_of(matching.join(waiting("d", "language", "x-own"), NOW)) == {"a", "d"}


def test_a_pair_is_not_matched_again_for_an_hour() -> None:
    matching = Matching()
    for user in ("a", "b"):
        matching.join(waiting(user), NOW)
    assert matching.join(waiting("b"), NOW) is None
    assert matching.join(waiting("a"), NOW + REMATCH_SECONDS - 1) is None
    assert len(matching.queue) == 2
    assert pair_of(matching.join(waiting("a"), NOW + REMATCH_SECONDS)) == {"a", "b"}


def test_who_was_matched_lately_is_matched_with_others() -> None:
    matching = Matching()
    for user in ("a", "b", "a", "b"):
        matching.join(waiting(user), NOW)
    assert pair_of(matching.join(waiting("c"), NOW)) == {"a", "c"}


def test_who_joins_twice_waits_once() -> None:
    matching = Matching()
    matching.join(waiting("a"), NOW)
    matching.join(waiting("a", "gaming"), NOW)
    assert matching.queue == [waiting("a", "gaming")]


def test_who_has_left_is_not_matched_and_may_leave_again() -> None:
    matching = Matching()
    matching.join(waiting("a"), NOW)
    matching.leave("sid of a")
    matching.leave("sid of a")
    assert matching.join(waiting("b"), NOW) is None


def test_of_two_sessions_the_last_stands_until_it_ends() -> None:
    matching = Matching(queue=[waiting("a")])
    match = matching.join(waiting("b"), NOW)
    assert match is not None
    first, last = match.sessions
    assert first != last
    assert matching.peer(first, "sid of a") is None
    assert matching.peer(last, "sid of a") == "sid of b"
    assert matching.peer(last, "sid of c") is None
    assert matching.sessions_of("sid of b") == [last]
    matching.end(last)
    matching.end(last)
    assert matching.peer(last, "sid of a") is None


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"queueType": "language", "language": "0123456789"},
        {"region": "eu", "gender": "x", "genderPreference": "any", "interests": ["chess"]},
        {"nativeLanguage": "de", "learningLanguage": "en", "preferences": {}},
    ],
)
def test_a_wish_of_known_fields_is_taken(wish: object) -> None:
    assert problem_with(wish) is None


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (None, "an object is expected"),
        ({"colour": 1, "region": "eu"}, "property colour should not exist"),
        ({"queueType": "chess"}, "queueType must be one of casual, serious, language, gaming"),
        ({"queueType": ["casual"]}, "queueType must be one of"),
        ({"language": "01234567890"}, "language must be a language code of at most 10"),
        ({"learningLanguage": 7}, "learningLanguage must be a language code"),
        ({"nativeLanguage": None}, "nativeLanguage must be a language code"),
    ],
)
def test_a_wish_that_is_wrong_is_reported_what_is(wish: object, problem: str) -> None:
    assert str(problem_with(wish)).startswith(problem)
