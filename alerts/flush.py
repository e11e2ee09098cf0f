"""What a flush of the alert pipeline gives."""

from collections.abc import Mapping

from msgspec import Struct, field

from alerts.model import Delivery
from alerts.notification.notification_log import Key
from alerts.state.alert_store import Event


class Flush(Struct, frozen=True):
    """What has to be stored and sent together, and what happened to alerts; pending messages of
    ``withdrawn`` (notifier and incident) are another probe's to send: those up to and including
    the named one, or all (None)."""

    deliveries: tuple[Delivery, ...] = ()
    documents: Mapping[str, str | None] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    withdrawn: Mapping[Key, Delivery | None] = field(default_factory=dict)
