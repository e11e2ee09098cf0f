"""Incidents, annotations and announcements as they are kept.

Plain frozen values. Times are wall-clock seconds since 1970 (UTC), durations seconds.
"""

from enum import StrEnum

from msgspec import Struct


class IncidentSeverity(StrEnum):
    """How bad an incident was at its worst; ``critical`` pages somebody."""

    WARNING = "warning"
    CRITICAL = "critical"


class NotificationStatus(StrEnum):
    """What became of a notification: it waits, was accepted by its receiver, was refused for
    good, or is not sent any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DROPPED = "dropped"


class IncidentAlert(Struct, frozen=True):
    """One alert of an incident: what failed at one check, and what was measured.

    ``rule`` is ``failing``, ``no-data`` or the signal whose limit is broken. ``since`` is the first
    bad result, ``fired`` when it had lasted long enough, ``ended`` when it was resolved (None: it
    fires). ``value`` and ``limit`` are a broken limit's, ``phase``, ``cause`` and ``hint`` a
    failure's, for people. ``runbook`` is the name of a page below ``/runbooks/``, or an address.
    """

    name: str
    check: str
    rule: str
    severity: IncidentSeverity
    since: float
    fired: float
    summary: str
    kind: str = ""
    target: str = ""
    region: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    ended: float | None = None
    phase: str = ""
    cause: str = ""
    hint: str = ""
    value: str = ""
    limit: str = ""
    trend: str = ""
    runbook: str = ""
    service: str = ""
    loss: str = ""
    closed: str = ""


class Notification(Struct, frozen=True):
    """One message of an incident to one receiver.

    ``occasion`` is ``firing``, ``changed``, ``reminder`` or ``resolved``; ``at`` is when it was
    due, ``settled`` when the receiver accepted or refused it (None: it waits). ``error`` is the
    receiver's reason for the last attempt that failed.
    """

    receiver: str
    occasion: str
    at: float
    title: str
    status: NotificationStatus = NotificationStatus.PENDING
    settled: float | None = None
    error: str = ""


class Acknowledgement(Struct, frozen=True):
    """Somebody has taken an incident on."""

    at: float
    author: str
    comment: str = ""


class Note(Struct, frozen=True):
    """A person's note on an incident, in Markdown. ``public``: the status page shows it too."""

    id: str
    at: float
    author: str
    text: str
    public: bool = False


class Annotation(Struct, frozen=True):
    """Something that happened at a moment: a deployment, a migration, a new version seen.

    ``kind`` is ``deploy`` or a word of one's own; what the probe has noticed itself has the kind
    ``version`` or ``instance`` and the check in ``source``. ``until`` is the end of what took a
    while, else None.
    """

    id: str
    at: float
    text: str
    kind: str = "deploy"
    until: float | None = None
    link: str = ""
    commit: str = ""
    author: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()


class Announcement(Struct, frozen=True):
    """A text for the public status page; ``kind`` is ``announcement`` or ``maintenance``.

    ``services`` are names of services, none: it is about all. ``end`` is None where it stays
    until it is deleted. ``window`` is the maintenance window or silence that it follows from,
    empty for one that was posted.
    """

    id: str
    kind: str
    title: str
    text: str
    start: float
    end: float | None = None
    services: tuple[str, ...] = ()
    author: str = ""
    window: str = ""

    def is_over(self, now: float) -> bool:
        """Whether it has ended."""
        return self.end is not None and self.end <= now


class Incident(Struct, frozen=True):
    """One incident: everything that failed of one cause, from its first bad result to its end.

    ``id`` is the permalink's; among several probes it becomes the one that they agree on, and
    ``aliases`` are those that it had here before, which links may hold. ``key`` is the
    notifications' group, which later incidents may have again. ``severity`` is that of its worst
    moment. ``since`` is the first bad result, ``opened`` when the first alert fired, ``ended`` when
    the last one was resolved (None: it lasts). ``affected`` checks failed too without an alert of
    their own. ``suppressed`` names the silences and maintenance windows that kept notifications
    back. ``adopted``: it was taken over from what a receiver knew, after the data were lost.
    ``annotations`` are those from six
    hours before it to its end.
    """

    id: str
    key: str
    title: str
    severity: IncidentSeverity
    since: float
    opened: float
    ended: float | None = None
    alerts: tuple[IncidentAlert, ...] = ()
    affected: tuple[str, ...] = ()
    suppressed: tuple[str, ...] = ()
    region: str = ""
    adopted: bool = False
    notifications: tuple[Notification, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    notes: tuple[Note, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it lasts."""
        return self.ended is None

    def duration(self, now: float) -> float:
        """Seconds from the first bad result to the end, or until ``now``."""
        return max(0.0, (now if self.ended is None else self.ended) - self.since)

    @property
    def checks(self) -> tuple[str, ...]:
        """Every check that failed, those of the alerts first."""
        return tuple(dict.fromkeys((*(each.check for each in self.alerts), *self.affected)))

    @property
    def services(self) -> tuple[str, ...]:
        """What the failing checks are about, the worst first."""
        return tuple(dict.fromkeys(each.service for each in self.alerts if each.service))

    @property
    def first(self) -> IncidentAlert | None:
        """The alert that says what it is about: of the most severe ones, the oldest."""
        return min(
            self.alerts,
            key=lambda each: (each.severity is not IncidentSeverity.CRITICAL, each.since),
            default=None,
        )

    @property
    def cause(self) -> str:
        """The cause of the failure that it is about; the broken limit's signal where none
        failed."""
        first = self.first
        return (first.cause or first.rule) if first is not None else ""
