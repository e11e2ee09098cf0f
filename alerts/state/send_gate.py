"""Whether a pending message is still true at the moment of sending.

After a start, or after the process was stopped for a while, what it queued before may be outdated.
Nothing about a check is sent before the check has a result since then and the other probes
have been asked once; both for 10 s at most. A firing message is sent only while the newest
result confirms it: what has recovered in the meantime is merged with its resolve. One of which all
alerts are suppressed by now waits for the end of that. What has waited, and what was tried before,
another probe may have sent since: it is asked first.

A receiver that drops what is not repeated is sent what it knows as long as the alert fires: while
it is suppressed too, and while good results have yet to resolve it.
"""

from collections.abc import Callable, Iterable

from alerts.model import Alert, Delivery, Message, MessageType

# For how long a message waits for a new result and an answer.
GATE_SECONDS = 10.0
# A process that hasn't evaluated its alerts for so long was stopped.
PAUSE_SECONDS = 20.0
# When a held message is evaluated again; events wake the sender sooner.
AGAIN_SECONDS = 0.5
# The same of one that is suppressed, which may be for hours.
SUPPRESSED_AGAIN_SECONDS = 5.0


def is_held_back(message: Message, is_suppressed: Callable[[Alert], bool]) -> bool:
    """Whether a message says of suppressed alerts alone that they fire."""
    fires = message.is_of_incident and message.occasion is not MessageType.RESOLVED
    return fires and bool(message.firing) and all(map(is_suppressed, message.firing))


class SendGate:
    """Holds messages back. ``now`` gives seconds, ``knows`` whether a check runs,
    ``is_seen_bad`` whether it confirms an alert, ``others_answered`` whether a round of queries
    to the others is over since the start, ``is_up_to_date`` whether what they say of a message is
    recent; ``run_soon`` lets a check run at once. ``wall`` is the wall clock: where a machine is
    suspended without noticing, it alone goes on. ``suppression`` gives what says of an alert
    whether it is suppressed now, ``forgets`` whether a notifier's service drops what is not
    repeated."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        knows: Callable[[str], bool],
        is_seen_bad: Callable[[str], bool],
        others_answered: Callable[[], bool],
        is_up_to_date: Callable[[Delivery], bool] = lambda delivery: True,
        run_soon: Callable[[str], None],
        wall: Callable[[], float] | None = None,
        suppression: Callable[[], Callable[[Alert], bool]] = lambda: lambda alert: False,
        forgets: Callable[[str], bool] = lambda notifier: False,
    ) -> None:
        self._now, self._knows, self._wall = now, knows, wall or now
        self._suppression, self._forgets = suppression, forgets
        self._is_seen_bad, self._others_answered = is_seen_bad, others_answered
        self._run_soon, self._is_up_to_date = run_soon, is_up_to_date
        self._started_at = self._alive_at = now()
        self._ahead = self._wall_ahead()
        self._awaited: set[str] = set()
        self._last_result_at: dict[str, float] = {}

    def begin(self) -> None:
        """Checks run from now on: however long the start took, what is known is from before."""
        self._started_at = self._alive_at = self._now()

    def alive(self) -> float | None:
        """To be called at least every 10 s. After a pause all is checked again, and the seconds of
        it that ``now`` does not know of are returned; None: there was none."""
        now, ahead = self._now(), self._wall_ahead()
        was_paused, skipped = self._is_paused(now), max(ahead - self._ahead, 0.0)
        self._alive_at, self._ahead = now, ahead
        if not was_paused:
            return None
        self._started_at = now
        self._awaited.clear()
        return skipped

    def add_result(self, check: str, at: float) -> None:
        """A check has a new result."""
        self._last_result_at[check] = at

    def hold(self, delivery: Delivery) -> float:
        """For how many seconds a message is to be held; 0 if it may be sent."""
        message, now = delivery.message, self._now()
        if not message.is_of_incident:
            return 0.0
        if self._is_paused(now):
            return AGAIN_SECONDS
        if now - self._started_at < GATE_SECONDS and not self._is_current(message):
            return AGAIN_SECONDS
        if not self._is_up_to_date(delivery):
            return AGAIN_SECONDS
        if message.occasion is MessageType.RESOLVED or not message.firing:
            return 0.0
        if message.occasion is not MessageType.FIRING and self._forgets(delivery.notifier):
            return 0.0
        if is_held_back(message, self._suppression()):
            return SUPPRESSED_AGAIN_SECONDS
        # What is not, or no longer, a check has no newer result.
        confirmed = any(
            not self._knows(each) or self._is_seen_bad(each) for each in _checks(message)
        )
        return 0.0 if confirmed else AGAIN_SECONDS

    def _is_paused(self, now: float) -> bool:
        """Whether the process stood still since it was last alive."""
        return max(now - self._alive_at, self._wall_ahead() - self._ahead) > PAUSE_SECONDS

    def _wall_ahead(self) -> float:
        return self._wall() - self._now()

    def _is_current(self, message: Message) -> bool:
        missing = {
            check
            for check in _checks(message)
            if self._knows(check)
            and self._last_result_at.get(check, float("-inf")) < self._started_at
        }
        for check in missing - self._awaited:
            self._run_soon(check)
        self._awaited |= missing
        return not missing and self._others_answered()


def _checks(message: Message) -> Iterable[str]:
    alerts = (*message.firing, *message.resolved)
    return {alert.identity.check for alert in alerts}
