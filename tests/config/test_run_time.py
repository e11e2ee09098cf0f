"""A run that has less time than its own settings take is announced, and blames no target."""

from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check, warnings_of
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds import KINDS, call, journey, peer, resilience, turn
from tests.fake_kind import toy

RELAY = {"name": "x", "url": "turn:127.0.0.1", "username": "u", "password": "p"}
LOSING: dict[str, Any] = {**RELAY, "part": "call"}


def warned(kind: Any, **table: Any) -> str:
    return "\n".join(warnings_of([Check(kind, kind.table.model_validate(table))]))


@pytest.mark.parametrize(
    ("kind", "table", "words"),
    [
        (resilience.KIND, {**LOSING, "interval": 60}, "Set interval to at least 158"),
        (
            resilience.KIND,
            {**LOSING, "losses": [3, 50], "deadline": 60, "interval": 3600},
            "Set deadline to at least 105",
        ),
        (resilience.KIND, {**LOSING, "losses": [1], "interval": 20}, "Set interval to at least"),
        (
            resilience.KIND,
            {"name": "x", "part": "signaling", "backend_url": "http://127.0.0.1:1", "interval": 45},
            "its own settings take up to 60 s",
        ),
        (turn.KIND, {**RELAY, "echoes": 1000, "deadline": 15}, "Set deadline to at least 20"),
        (call.KIND, {**RELAY, "media": True, "interval": 12}, "so that none has a result"),
        (call.KIND, {**RELAY, "interval": 20}, "leaves a run 19 s of its deadline = 30"),
        (
            journey.KIND,
            {"name": "x", "url": "http://127.0.0.1:1", "echoes": 1000, "deadline": 18},
            "Set deadline to at least 20",
        ),
        (
            peer.KIND,
            {"name": "x", "peer": "http://127.0.0.1:1", "token": "t" * 40, "interval": 30},
            "or lower the deadline",
        ),
    ],
)
def test_what_cannot_succeed_names_its_key_and_the_remedy(
    kind: Any, table: dict[str, Any], words: str
) -> None:
    found = warned(kind, **table)
    assert found.startswith("x: ")
    assert words in found


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (resilience.KIND, {**LOSING}),
        (resilience.KIND, {**LOSING, "deadline": 100}),
        (resilience.KIND, {**LOSING, "losses": [3], "deadline": 30, "interval": 60}),
        (call.KIND, {**RELAY, "media": True}),
        (call.KIND, {**RELAY, "interval": 32}),
        (turn.KIND, {**RELAY, "echoes": 1000}),
    ],
)
def test_what_has_its_time_is_silent(kind: Any, table: dict[str, Any]) -> None:
    assert warned(kind, **table) == ""


def test_what_runs_on_request_alone_has_no_interval() -> None:
    assert warned(resilience.KIND, **LOSING) == ""


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.name)
def test_no_kind_has_too_little_time_by_default(kind: Any) -> None:
    fields = kind.table.model_fields
    assert fields["deadline"].default <= 0.95 * kind.interval


async def test_a_run_cut_short_of_what_it_takes_is_unknown() -> None:
    check = toy(does="hang", deadline=20.0, needs=10.0)
    result = await run_check(check, Context(), deadline=0.05)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.DEADLINE)
    assert "10 s or more" in (result.failure.hint or "")


async def test_with_all_that_it_takes_it_has_failed() -> None:
    result = await run_check(toy(does="hang", deadline=0.05, needs=0.05), Context())
    assert result.status is Status.FAILED


TWO_SECONDS = "interval = 2 leaves a run 1.9 s of its deadline = 10, so that what is slower fails."


def of_toys(count: int) -> list[str]:
    found = warnings_of(toy(name=f"t{number}", interval=2) for number in range(count))
    assert all(TWO_SECONDS in each for each in found)
    return [each.replace(TWO_SECONDS, "…") for each in found]


def test_each_of_a_few_checks_is_warned_of() -> None:
    remedy = "… Set interval to at least 11, or lower the deadline"
    assert of_toys(3) == [f"t{number}: {remedy}" for number in range(3)]


@pytest.mark.parametrize(
    ("count", "others"),
    [
        (4, "(3 other checks as well: t1, t2, t3)"),
        (5, "(4 other checks as well: t1, t2, t3 and 1 more)"),
        (1000, "(999 other checks as well: t1, t2, t3 and 996 more)"),
    ],
)
def test_what_many_checks_have_in_common_is_warned_of_once(count: int, others: str) -> None:
    (warning,) = of_toys(count)
    assert warning.startswith("t0: …")
    assert warning.endswith(f"lower the deadline {others}")


def test_other_warnings_have_their_own_names() -> None:
    checks = [toy(name=f"t{number}", interval=2 + number % 2) for number in range(8)]
    assert [warning.partition(":")[0] for warning in warnings_of(checks)] == ["t0", "t1"]
