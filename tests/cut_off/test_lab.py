"""A run that is cut off at any turn leaves no socket and no task, whatever it was about to do."""

from collections.abc import Sequence

import pytest

from probe.config.settings import load_settings
from probe.core.kind import Check
from probe.kinds import KINDS
from probe.lab import Lab
from tests.cut_off.sweep import run_stepped, what_is_left

_OF_RELAYS = ("turn", "call")
_OTHERS = ("allocation", "crossing", "stun", "http", "engineio", "signaling", "app_metrics")
_LONG = ("resilience", "security")

_FAULTS = {
    "turn.silent": "true",
    "turn.hairpin": "false",
    "turn.loss": "0.6",
    "turn.error": "486",
    "turn.drop_after": "4",
    "turn.garbage": "true",
    "turn.close_on_connect": "true",
}
_FEW: tuple[int | None, ...] = (None, 1, 3)
_EACH: tuple[int | None, ...] = (None, 0, 1, 2, 3, 5)


async def _left(
    kind: str, every: int, drains: Sequence[int | None], fault: str | None = None
) -> list[str]:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        if fault is not None:
            lab.set_knob(fault, _FAULTS[fault])
        plan = load_settings(KINDS, lab.environment(), alone=True).plan
        found: list[str] = []
        for check in _different(plan.checks, kind):
            check.kind.load()
            # Not every fault is one to every transport.
            is_fine = True if fault is None else None
            left = await what_is_left(
                check,
                every=every,
                drains=drains,
                is_fine=is_fine,
                held=lambda: lab.primary.allocations + lab.backup.allocations,
            )
            found += [f"{check.name}: {line}" for line in left]
        return found


def _different(checks: Sequence[Check], kind: str) -> list[Check]:
    """Of a kind, one for each transport."""
    found = {check.name.replace("backup", "primary"): check for check in checks}
    return [check for check in found.values() if check.kind.name == kind]


@pytest.mark.parametrize("kind", [*_OF_RELAYS, *_OTHERS])
def test_a_run_that_is_cut_off_leaves_nothing(kind: str) -> None:
    assert run_stepped(lambda: _left(kind, 47, _FEW)) == []


@pytest.mark.proof
@pytest.mark.parametrize("kind", [*_OF_RELAYS, *_OTHERS])
def test_a_run_that_is_cut_off_at_many_more_turns_leaves_nothing(kind: str) -> None:
    every = 29 if kind in _OF_RELAYS else 5
    assert run_stepped(lambda: _left(kind, every, _EACH)) == []


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", _LONG)
def test_nor_does_one_that_takes_longer(kind: str) -> None:
    assert run_stepped(lambda: _left(kind, 397, _FEW)) == []


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("kind", _OF_RELAYS)
def test_nor_does_one_of_a_relay_that_does_not_work(kind: str, fault: str) -> None:
    assert run_stepped(lambda: _left(kind, 97, _FEW, fault)) == []
