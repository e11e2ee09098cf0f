"""The messages of the cluster: a query and its answer, as JSON.

Everything is bounded, because what another host sends may be anything. Times are ages in
seconds, so no two wall clocks are compared; ``time`` alone is a wall clock, and serves to
find one that is wrong. Fields that an older version doesn't send have defaults.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.cluster.decisions.quorum import CheckReport
from alerts.model import Severity
from alerts.state.suspected_alert import ObservedSeverity

SCHEMA: Literal[1] = 1
# Of one query; more checks or groups follow in further queries.
MAX_QUERIED, MAX_NAMED = 100, 500
MAX_MEMBERS = 100
MAX_ANSWER = 262144

Name = Annotated[str, Field(min_length=1, max_length=300)]
Age = Annotated[float, Field(ge=0.0, le=1e8, allow_inf_nan=False)]
Names = Annotated[tuple[Name, ...], Field(max_length=MAX_NAMED)]
MemberId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
# A notifier and an alert group's key.
NotifiedGroup = tuple[Name, Name]
Aged = tuple[Name, Name, Age]
# An alert group's key, and the id of its incident.
NamedIncident = tuple[Name, Annotated[str, Field(pattern=r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$")]]


class InvalidMessage(ValueError):
    """A text is no query and no answer; says nothing of what is in it."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class QueriedCheck(_Message):
    """A check that is asked for: a result ``younger`` than so many seconds is wanted."""

    check: Name
    younger: Age


class Query(_Message):
    """What a probe asks another: the state of checks, and of alert groups (None, from an older
    version: of all groups). ``relay``: a witness is to ask the other members the same. ``asker``
    and ``region`` are the querying process's."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    asks: Annotated[tuple[QueriedCheck, ...], Field(max_length=MAX_QUERIED)] = ()
    groups: Annotated[tuple[Name, ...], Field(max_length=MAX_QUERIED)] | None = None
    relay: bool = False
    asker: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")] = ""
    region: Annotated[str, Field(max_length=40)] = ""


class ReportedAlert(_Message):
    """One rule of a check that is seen as bad."""

    severity: Severity
    sure: bool


class ReportedCheck(_Message):
    """The state of one check; see ``decisions.quorum.CheckReport``. ``pending``: it has
    no result since the process started."""

    age: Age
    interval: Age
    measured: bool
    bad: Annotated[dict[Name, ReportedAlert], Field(max_length=MAX_NAMED)] = {}
    pending: bool = False

    def report(self, later: float) -> CheckReport:
        """The opinion as it is ``later`` seconds after the answer."""
        bad = {rule: ObservedSeverity(seen.severity, seen.sure) for rule, seen in self.bad.items()}
        return CheckReport(self.age + later, self.interval, self.measured, bad, self.pending)


class MemberAnswer(_Message):
    """What a probe answers. ``id`` is another one for every start of a process.

    ``checks`` are those that were asked for and that it has. ``sees`` are groups that fire
    there or are about to, ``open`` those that it has agreed on as the target's fault and whose
    condition it sees now. ``owns``, ``holds``, ``ends``, and ``ended``, ``pending``, ``sending``
    and ``opened`` with an age: see :mod:`alerts.cluster.decisions.leader`. ``quorum_age`` is how
    long ago a majority, itself included, last answered it. ``order`` are the members in its
    configured order, ``plan`` is a digest of its checks, ``peers`` one of its PROBE_PEERS,
    ``witness`` marks a probe that runs no checks; ``incidents`` are the ids of those that are open
    there, so that all probes use one; ``relayed`` is what others answered it, where that was asked
    for.
    """

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    id: MemberId
    region: Annotated[str, Field(min_length=1, max_length=40)]
    checks: Annotated[dict[Name, ReportedCheck], Field(max_length=MAX_QUERIED)] = {}
    sees: Names = ()
    open: Names = ()
    owns: Annotated[tuple[NotifiedGroup, ...], Field(max_length=MAX_NAMED)] = ()
    holds: Annotated[tuple[NotifiedGroup, ...], Field(max_length=MAX_NAMED)] = ()
    ended: Annotated[tuple[Aged, ...], Field(max_length=MAX_NAMED)] = ()
    pending: Annotated[tuple[Aged, ...], Field(max_length=MAX_NAMED)] = ()
    sending: Annotated[tuple[Aged, ...], Field(max_length=MAX_NAMED)] = ()
    opened: Annotated[tuple[Aged, ...], Field(max_length=MAX_NAMED)] = ()
    ends: Annotated[tuple[NotifiedGroup, ...], Field(max_length=MAX_NAMED)] = ()
    quorum_age: Age | None = None
    order: Annotated[tuple[MemberId, ...], Field(max_length=MAX_MEMBERS)] = ()
    version: Annotated[str, Field(max_length=40)] = ""
    plan: Annotated[str, Field(max_length=16)] = ""
    peers: Annotated[str, Field(max_length=16)] = ""
    time: Annotated[float, Field(ge=0.0, le=1e11, allow_inf_nan=False)] | None = None
    witness: bool = False
    incidents: Annotated[tuple[NamedIncident, ...], Field(max_length=MAX_NAMED)] = ()
    relayed: Annotated[tuple["RelayedAnswer", ...], Field(max_length=MAX_MEMBERS)] = ()


class RelayedAnswer(_Message):
    """What another member answered a witness: ``entry`` is its place in PROBE_PEERS."""

    entry: Annotated[int, Field(ge=0, lt=MAX_MEMBERS)]
    answer: MemberAnswer


def read_query(body: bytes) -> Query:
    """Raises InvalidMessage."""
    try:
        return Query.model_validate_json(body)
    except ValidationError:
        raise InvalidMessage("this is not a query") from None


def read_answer(body: bytes) -> MemberAnswer:
    """Raises InvalidMessage."""
    try:
        return MemberAnswer.model_validate_json(body)
    except ValidationError:
        raise InvalidMessage("this is not an answer") from None


def write(message: Query | MemberAnswer) -> bytes:
    """A query or an answer as JSON."""
    return message.model_dump_json(by_alias=True).encode()
