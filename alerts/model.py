"""Core value types of alerting: alerts, messages, deliveries and silences.

Plain frozen values. Times are wall-clock seconds since 1970 (UTC), durations seconds.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

Labels = tuple[tuple[str, str], ...]

# The label of an alert that one region alone sees.
SEEN_FROM = "seen_from"

_REPORTED_BY_TARGET = ("degraded", "service_down")


class Severity(StrEnum):
    """How bad it is: critical pages somebody."""

    WARNING = "warning"
    CRITICAL = "critical"


class MessageType(StrEnum):
    """Why a message is sent."""

    FIRING = "firing"
    CHANGED = "changed"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    NOTE = "note"


class Fingerprint(Struct, frozen=True, gc=False):
    """What an alert is about; the same from the first failure to the end, and over restarts.

    ``rule`` is ``failing``, ``no-data`` or the name of the signal whose limit is broken;
    ``labels`` are that signal's.
    """

    check: str
    rule: str
    labels: Labels = ()

    def __str__(self) -> str:
        if not self.labels:
            return f"{self.check}/{self.rule}"
        inner = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.check}/{self.rule}{{{inner}}}"


class Alert(Struct, frozen=True, gc=False):
    """Something that fires, or has fired.

    ``since`` is when it began (the first bad result), ``fired`` when it had lasted long
    enough to fire, ``ended`` when it was resolved (None: it still fires). ``summary`` says in
    a sentence what is wrong; ``phase``, ``cause`` and ``hint`` are a failure's, ``value``,
    ``limit`` and ``trend`` a broken limit's, all for people. ``runbook`` names the page that
    says what to do. ``region`` is whose probe sees it, empty for what several probes send as
    one; ``view`` then says who sees it. ``closed`` says why it ended without a recovery.
    ``service``, ``loss`` and ``degradation`` are its check's :class:`probe.core.kind.Impact`.
    """

    identity: Fingerprint
    severity: Severity
    since: float
    fired: float
    summary: str
    kind: str
    target: str
    region: str
    runbook: str
    labels: Labels = ()
    ended: float | None = None
    phase: str = ""
    cause: str = ""
    hint: str = ""
    value: str = ""
    limit: str = ""
    trend: str = ""
    view: str = ""
    closed: str = ""
    service: str = ""
    loss: str = ""
    degradation: str = ""

    @property
    def wrong(self) -> str:
        """What is wrong inside the target, where it says so itself; else empty. A change of
        it is worth an update."""
        return self.summary if self.cause in _REPORTED_BY_TARGET else ""


class Message(Struct, frozen=True):
    """A notification about a group of alerts that fire together.

    ``key`` is the group's identity: the same from its first message to its last, and what
    a service's own deduplication is made from. ``severity`` is that of its most severe alert,
    for a resolved group what it was. ``since`` is when the first of them began. ``changes``
    are recent changes that may be the cause, ``affected`` other checks that
    suffer from it, ``links`` are (name, address). ``test`` marks a message that somebody
    sends to try a route. Of an update, ``news`` says what has changed since the last message.
    ``sender`` is set when it is sent (:mod:`alerts.senders.mark`). ``quiet``: another probe has
    sent it, and what this one has sent before is only changed.
    """

    key: str
    occasion: MessageType
    severity: Severity
    title: str
    at: float
    since: float
    region: str
    firing: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    changes: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    links: Labels = ()
    text: str = ""
    test: bool = False
    news: tuple[str, ...] = ()
    sender: str = ""
    quiet: bool = False

    @property
    def is_of_incident(self) -> bool:
        """Whether it says how an incident stands: a note and a test don't."""
        return self.occasion is not MessageType.NOTE and not self.test


class Delivery(Struct, frozen=True):
    """One message on its way to one notifier. ``number`` orders them; 0 before it is stored.

    ``attempts`` were made so far, the next one is due at ``due``; ``error`` says why the
    last one failed.
    """

    notifier: str
    message: Message
    number: int = 0
    attempts: int = 0
    due: float = 0.0
    error: str = ""


class Silence(Struct, frozen=True):
    """Suppresses alerts whose check, kind or label value is among ``matches``."""

    name: str
    matches: tuple[str, ...]
    author: str
    reason: str
    start: float
    end: float


class OpenAlert(Struct, frozen=True):
    """What a receiver says is open there. ``key`` is its incident where the service keeps that,
    ``check``, ``rule`` and ``labels`` say which alert it is where it keeps those, else they are
    empty; ``memory`` is what the notifier would remember of the incident."""

    key: str = ""
    check: str = ""
    rule: str = ""
    labels: Labels = ()
    severity: Severity = Severity.CRITICAL
    since: float = 0.0
    summary: str = ""
    memory: Mapping[str, str] = field(default_factory=dict)


class Acknowledged(Struct, frozen=True):
    """Somebody has taken an incident on at a receiver: ``key`` is the alert group's, ``at`` in
    seconds since 1970."""

    key: str
    at: float
    by: str


class NotifyError(Exception):
    """A message was not delivered.

    ``permanent``: it would be refused again, so it is not retried. ``retry_after``:
    the service says how many seconds to wait. The text holds no secret and no address that
    carries one.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
