"""Messages by the wall clock, as people and services read them; pure.

Alerting counts on a clock that doesn't jump. When the wall clock is set while the process lives (a
machine that booted without the time), what it sends from then on would be years out of date.
"""

from msgspec.structs import replace

from alerts.model import Alert, Message
from alerts.outbox.stored_times import STEP_SECONDS


def by_wall_clock(message: Message, ahead: float) -> Message:
    """A message whose times are on the steadied clock, with the wall clock ``ahead`` by so many
    seconds. Whole seconds, so that an attempt that is repeated says the same."""
    if abs(ahead) < STEP_SECONDS:
        return message
    step = float(round(ahead))
    return replace(
        message,
        at=message.at + step,
        since=message.since + step,
        firing=tuple(_moved(alert, step) for alert in message.firing),
        resolved=tuple(_moved(alert, step) for alert in message.resolved),
    )


def _moved(alert: Alert, step: float) -> Alert:
    ended = None if alert.ended is None else alert.ended + step
    return replace(alert, since=alert.since + step, fired=alert.fired + step, ended=ended)
