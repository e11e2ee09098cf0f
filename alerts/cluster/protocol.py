"""What probes ask each other and answer, as JSON; everything bounded, for what comes from
elsewhere may be anything.

All times are ages in seconds, so that no two wall clocks are ever compared.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.cluster.quorum import ObservedSeverity, Opinion
from alerts.model import Severity

SCHEMA: Literal[1] = 1
MOST_ASKED, MOST_NAMED = 100, 500
LONGEST_QUESTION, LONGEST_ANSWER = 65536, 262144

Name = Annotated[str, Field(min_length=1, max_length=300)]
Age = Annotated[float, Field(ge=0.0, le=1e8, allow_inf_nan=False)]
Names = Annotated[tuple[Name, ...], Field(max_length=MOST_NAMED)]
# A notifier and an incident's key.
Told = tuple[Name, Name]


class InvalidMessage(ValueError):
    """A text is no question or no answer; says nothing of what is in it."""


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Query(_Words):
    """A check that somebody wants to know of: a look ``younger`` than so many seconds tells."""

    check: Name
    younger: Age


class QueriedCheck(_Words):
    """What a probe asks another."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    asks: Annotated[tuple[Query, ...], Field(max_length=MOST_ASKED)] = ()


class SeenBad(_Words):
    """One rule of a check that is seen as bad."""

    severity: Severity
    sure: bool


class ReportedAlert(_Words):
    """The present word on one check; see :class:`alerts.cluster.quorum.Opinion`."""

    age: Age
    interval: Age
    measured: bool
    bad: Annotated[dict[Name, SeenBad], Field(max_length=MOST_NAMED)] = {}

    def opinion(self, later: float) -> Opinion:
        """The word as it is ``later`` seconds after the answer."""
        bad = {rule: ObservedSeverity(seen.severity, seen.sure) for rule, seen in self.bad.items()}
        return Opinion(self.age + later, self.interval, self.measured, bad)


class MemberAnswer(_Words):
    """What a probe answers. ``id`` is another one for every start of a process.

    ``checks`` are those that were asked for and that it has. ``sees`` are incidents that
    burn there or are about to, ``open`` those that it tells as the target's fault. ``owns``,
    ``holds`` and ``ended`` (with an age): see :mod:`alerts.cluster.leader`.
    """

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    region: Annotated[str, Field(min_length=1, max_length=40)]
    checks: Annotated[dict[Name, ReportedAlert], Field(max_length=MOST_ASKED)] = {}
    sees: Names = ()
    open: Names = ()
    owns: Annotated[tuple[Told, ...], Field(max_length=MOST_NAMED)] = ()
    holds: Annotated[tuple[Told, ...], Field(max_length=MOST_NAMED)] = ()
    ended: Annotated[tuple[tuple[Name, Name, Age], ...], Field(max_length=MOST_NAMED)] = ()


def read_question(body: bytes) -> QueriedCheck:
    """Raises WordsError."""
    try:
        return QueriedCheck.model_validate_json(body)
    except ValidationError:
        raise InvalidMessage("this is no question") from None


def read_answer(body: bytes) -> MemberAnswer:
    """Raises WordsError."""
    try:
        return MemberAnswer.model_validate_json(body)
    except ValidationError:
        raise InvalidMessage("this is no answer") from None


def write(words: QueriedCheck | MemberAnswer) -> bytes:
    """A question or an answer as JSON."""
    return words.model_dump_json(by_alias=True).encode()
