"""The state machine of one alert: bad for long enough fires, good for long enough resolves.

Pure: a state, what was seen and the time go in, a state and at most one transition come
out. Times are seconds since 1970. Nothing here knows a check, a message or a clock.

    ok ── bad ──▶ pending ── bad for `hold` ──▶ firing ── good for `clear` ──▶ ok (resolved)
     ◀── good ──────┘                            │  ▲
                                                 └──┘ warning ⇄ critical

What could not be measured neither fires nor resolves: it leaves everything as it is, and a
pending condition that is no longer observed does not fire either.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from alerts.model import Severity

# So many times fired and resolved within this time is flapping.
FLAPS, FLAP_SECONDS = 4, 3600.0
# A flapping alert is resolved only after it has been good for so long.
FLAP_CLEAR_SECONDS = 900.0


class AlertState(StrEnum):
    """Where an alert is in its life."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"


class ObservedLevel(StrEnum):
    """What a result says of an alert's condition."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    NOTHING = "nothing"

    @property
    def is_bad(self) -> bool:
        """Whether it is a warning or critical; what could not be measured is not."""
        return self in (ObservedLevel.WARNING, ObservedLevel.CRITICAL)


class Timers(Struct, frozen=True, gc=False):
    """How long a condition holds before it fires, by severity, and how long it has to be
    good before it is resolved; in seconds. ``k_of_n``: so many bad results of the last
    ``window`` count as bad although there were good ones between them."""

    hold: Mapping[Severity, float]
    clear: float = 0.0
    k_of_n: int = 3
    window: int = 6


class State(Struct, frozen=True, gc=False):
    """One alert's state; made of plain values, so that it can be stored and restored.

    ``since`` is when the present condition began, ``severe`` when it became critical,
    ``fired`` when it fired, ``good`` since when it is good again, ``recent`` the last
    results (true: bad), ``flips`` when it last fired.
    """

    stage: AlertState = AlertState.OK
    severity: Severity | None = None
    seen: ObservedLevel = ObservedLevel.GOOD
    since: float | None = None
    severe: float | None = None
    fired: float | None = None
    good: float | None = None
    recent: tuple[bool, ...] = ()
    flips: tuple[float, ...] = field(default=())
    flapping: bool = False


class TransitionType(StrEnum):
    """What happened to an alert."""

    FIRED = "fired"
    ESCALATED = "escalated"
    EASED = "eased"
    RESOLVED = "resolved"
    FLAPPING = "flapping"


class Transition(Struct, frozen=True, gc=False):
    """An alert's change: ``severity`` is what it is now, or was when it resolved.

    ``since`` is when the condition began, ``at`` when the change took place.
    """

    turn: TransitionType
    severity: Severity
    since: float
    at: float


Step = tuple[State, Transition | None]


def observe(
    state: State,
    seen: ObservedLevel,
    at: float,
    terms: Timers,
    *,
    began: float | None = None,
    again: bool = False,
) -> Step:
    """A result was observed; then whatever is due by now.

    ``began`` is when its run began: what is bad has been bad since then at the latest.
    ``again``: the same result was observed before, and is evaluated again; it counts once.
    """
    if seen is ObservedLevel.NOTHING:
        return tick(state, at, terms)
    before = state.recent[:-1] if again else state.recent
    recent = (*before, seen is not ObservedLevel.GOOD)[-terms.window :]
    if recent != state.recent:
        state = replace(state, recent=recent)
    level = _level(state, seen, recent, terms)
    state = (
        _become_good(state, at)
        if level is ObservedLevel.GOOD
        else _become_bad(state, level, at if began is None else began)
    )
    return tick(state, at, terms)


def tick(state: State, now: float, terms: Timers) -> Step:
    """Time has passed without a new result: fire or resolve what is due."""
    if state.stage is AlertState.FIRING and state.seen is ObservedLevel.GOOD:
        return _resolve(state, now, terms)
    wanted = _due(state, now, terms)
    if wanted is None or wanted is state.severity:
        return state, None
    return _fire(state, wanted, now)


def after_pause(state: State) -> State:
    """The state after a long time without results: what fires goes on, what is pending begins
    anew, for nothing is known of the time between."""
    return State(flips=state.flips) if state.stage is AlertState.PENDING else state


def next_time(state: State, terms: Timers) -> float | None:
    """When ``tick`` will have something to do; None if only a result can change it."""
    if (
        state.stage is AlertState.FIRING
        and state.seen is ObservedLevel.GOOD
        and state.good is not None
    ):
        return state.good + _clear(state, terms)
    if state.seen is ObservedLevel.GOOD or state.since is None or _waits_for_result(state):
        return None
    times = []
    if state.stage is AlertState.PENDING:
        times.append(state.since + terms.hold[Severity.WARNING])
    if state.severe is not None and state.severity is not Severity.CRITICAL:
        times.append(state.severe + terms.hold[Severity.CRITICAL])
    return min(times, default=None)


def _level(
    state: State, seen: ObservedLevel, recent: tuple[bool, ...], terms: Timers
) -> ObservedLevel:
    """A good result among many bad ones changes nothing: they are one condition.

    Once it fires, being good for ``clear`` resolves it, so results count as they are.
    """
    if (
        seen is ObservedLevel.GOOD
        and state.stage is AlertState.PENDING
        and sum(recent) >= terms.k_of_n
    ):
        return state.seen
    return seen


def _become_good(state: State, at: float) -> State:
    if state.stage is AlertState.FIRING:
        return replace(state, seen=ObservedLevel.GOOD, severe=None, good=state.good or at)
    if state.stage is AlertState.OK and state.seen is ObservedLevel.GOOD and state.since is None:
        return state  # as after the last good result
    return replace(
        state,
        stage=AlertState.OK,
        severity=None,
        seen=ObservedLevel.GOOD,
        since=None,
        severe=None,
        good=None,
    )


def _become_bad(state: State, level: ObservedLevel, at: float) -> State:
    since = at if state.since is None else state.since
    severe = None
    if level is ObservedLevel.CRITICAL:
        severe = at if state.severe is None else state.severe
    stage = AlertState.PENDING if state.stage is AlertState.OK else state.stage
    return replace(state, stage=stage, seen=level, since=since, severe=severe, good=None)


def _due(state: State, now: float, terms: Timers) -> Severity | None:
    """The severity that the alert should fire with by now."""
    if state.since is None or state.seen is ObservedLevel.GOOD or _waits_for_result(state):
        return None
    if state.severe is not None and now - state.severe >= terms.hold[Severity.CRITICAL]:
        return Severity.CRITICAL
    if state.stage is AlertState.FIRING:
        # Critical for too short a time yet to escalate, and no reason to ease.
        return state.severity if state.seen is ObservedLevel.CRITICAL else Severity.WARNING
    return Severity.WARNING if now - state.since >= terms.hold[Severity.WARNING] else None


def _waits_for_result(state: State) -> bool:
    """Whether the last result was good among many bad ones: nothing fires before the next."""
    pending = state.stage is AlertState.PENDING
    return pending and bool(state.recent) and not state.recent[-1]


def _fire(state: State, severity: Severity, now: float) -> Step:
    since = state.since if state.since is not None else now
    if state.stage is AlertState.FIRING:
        turn = TransitionType.ESCALATED if severity is Severity.CRITICAL else TransitionType.EASED
        return replace(state, severity=severity), Transition(turn, severity, since, now)
    flips = (*(flip for flip in state.flips if now - flip < FLAP_SECONDS), now)
    state = replace(state, stage=AlertState.FIRING, severity=severity, fired=now, flips=flips)
    if len(flips) >= FLAPS and not state.flapping:
        state = replace(state, flapping=True)
        return state, Transition(TransitionType.FLAPPING, severity, since, now)
    return state, Transition(TransitionType.FIRED, severity, since, now)


def _resolve(state: State, now: float, terms: Timers) -> Step:
    if state.good is None or now - state.good < _clear(state, terms):
        return state, None
    severity = state.severity or Severity.WARNING
    since = state.since if state.since is not None else now
    is_calm = State(flips=state.flips)
    return is_calm, Transition(TransitionType.RESOLVED, severity, since, now)


def _clear(state: State, terms: Timers) -> float:
    return max(terms.clear, FLAP_CLEAR_SECONDS) if state.flapping else terms.clear
