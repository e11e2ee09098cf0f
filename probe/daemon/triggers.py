"""Which checks run at once when the state of another one changes.

When a check starts to fail, related checks run at once: the severity depends on what else fails.
The same holds when its cause changes, and when it recovers.
"""

from collections.abc import Iterable, Mapping

from alerts.evaluation.check_state import CheckState
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Result, Status

# A check is triggered at most so many times in so many seconds, however others flap.
MAX_TRIGGERS, TRIGGER_SECONDS = 3, 60.0

# Whether it fails, why, and which services it says are down.
_State = tuple[bool, str, str]
_PASSING: _State = (False, "", "")


class Triggers:
    """Knows which checks subscribe to which trigger keys, and each check's last measured state."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._states: dict[str, _State] = {}
        self._triggered: dict[str, tuple[float, ...]] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        self._checks = {check.name: check for check in checks}
        for known in (self._states, self._triggered):
            for name in known.keys() - self._checks.keys():
                del known[name]

    def fired_by(self, result: Result) -> tuple[str, ...]:
        """Which checks a result triggers: none, unless it starts to fail, fails otherwise, or
        no longer fails."""
        check = self._checks.get(result.check)
        if result.status is Status.UNKNOWN or check is None:
            return ()
        before = self._states.get(result.check, _PASSING)
        after = self._states[result.check] = _state_of(result)
        return self._subscribers(check, result) if after != before else ()

    def delay(self, name: str, now: float) -> float:
        """Seconds until a check that is triggered at ``now`` (monotonic clock) may run."""
        recent = [at for at in self._triggered.get(name, ()) if now - at < TRIGGER_SECONDS]
        if len(recent) < MAX_TRIGGERS:
            self._triggered[name] = (*recent, now)
            return 0.0
        return recent[0] + TRIGGER_SECONDS - now

    def outdated(self, states: Mapping[str, CheckState]) -> frozenset[str]:
        """The checks whose last run began before another one, which triggers them, started to
        fail: what they found is no longer known to hold."""
        found: set[str] = set()
        for name, state in states.items():
            check = self._checks.get(name)
            if check is None or state.result.status is not Status.FAILED:
                continue
            for other in self._subscribers(check, state.result):
                ran = states[other].result.started_at if other in states else None
                if ran is not None and ran.timestamp() < state.since:
                    found.add(other)
        return frozenset(found)

    def _subscribers(self, check: Check, result: Result) -> tuple[str, ...]:
        keys = check.table.triggers_after(result)
        return tuple(
            other.name
            for other in self._checks.values()
            if other is not check and other.table.triggered_by & keys
        )


def _state_of(result: Result) -> _State:
    if result.failure is None or result.status is not Status.FAILED:
        return _PASSING
    cause = result.failure.cause
    # Other messages contain values that change with every run.
    named = result.failure.message if cause is Cause.SERVICE_DOWN else ""
    return (True, cause.value, named)
