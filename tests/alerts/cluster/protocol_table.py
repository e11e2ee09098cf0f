"""The cluster's protocol for one group at one receiver that people read: state, event, action.

The docs show this table, and test_protocol_table.py holds the code against every row.
"""

from msgspec import Struct

from alerts.cluster.decisions.leader import (
    HANDOVER_SECONDS,
    NOTIFY_TIMEOUT_SECONDS,
    OtherMember,
    elect,
)
from alerts.role import THIS_PROBE, Assignment, Role

FIRST, LATER = OtherMember("fra", ahead=True), OtherMember("nrt", ahead=False)


class Row(Struct, frozen=True):
    """``state`` and ``event`` for people; the rest is what :func:`elect` is given and gives."""

    state: str
    event: str
    action: str
    role: Role
    owner: str | None
    over: bool = False
    others: tuple[OtherMember, ...] = ()
    waited: float = 0.0
    opened: float = 100.0
    agreed: bool = False
    pending: bool = False
    lost: bool = False
    follows: str = THIS_PROBE

    @property
    def found(self) -> Assignment:
        """What the code does."""
        return elect(
            self.owner,
            self.over,
            self.others,
            self.waited,
            self.opened,
            agreed=self.agreed,
            pending=self.pending,
            lost=self.lost,
        )


NONE, SENDER, STANDBY = "not notified", "sender", "standby"
TABLE = (
    Row(NONE, "fires; no member before it sees it", "send firing", Role.SEND, None),
    Row(
        NONE,
        f"fires; one before it sees it, for less than {NOTIFY_TIMEOUT_SECONDS:g} s",
        "wait",
        Role.WAIT,
        None,
        others=(OtherMember("fra", ahead=True, sees=True),),
    ),
    Row(
        NONE,
        f"one before it has not sent for {NOTIFY_TIMEOUT_SECONDS:g} s",
        "send firing",
        Role.SEND,
        None,
        others=(OtherMember("fra", ahead=True, sees=True),),
        waited=NOTIFY_TIMEOUT_SECONDS,
    ),
    Row(
        NONE,
        f"another one is sending its first message, for less than {NOTIFY_TIMEOUT_SECONDS:g} s",
        "wait",
        Role.WAIT,
        None,
        others=(OtherMember("nrt", ahead=False, sees=True, sending=1.0),),
        waited=NOTIFY_TIMEOUT_SECONDS,
    ),
    Row(
        NONE,
        "another one owns it",
        "stand by",
        Role.STANDBY,
        None,
        others=(OtherMember("nrt", ahead=False, owns=True),),
        follows="nrt",
    ),
    Row(
        NONE,
        "the owner is gone, another one stands by",
        "stand by",
        Role.STANDBY,
        None,
        others=(OtherMember("nrt", ahead=False, holds=True),),
        follows="nrt",
    ),
    Row(SENDER, "it changes", "send the update", Role.SEND, THIS_PROBE, others=(LATER,)),
    Row(
        SENDER,
        "one before it owns it too",
        "stand by, withdraw what waits",
        Role.STANDBY,
        THIS_PROBE,
        others=(OtherMember("fra", ahead=True, owns=True),),
        follows="fra",
    ),
    Row(
        SENDER,
        "one after it owns it too",
        "go on",
        Role.SEND,
        THIS_PROBE,
        others=(OtherMember("nrt", ahead=False, owns=True),),
    ),
    Row(
        SENDER,
        "its message waits, another one has delivered",
        "stand by, withdraw what waits",
        Role.STANDBY,
        THIS_PROBE,
        others=(OtherMember("nrt", ahead=False, owns=True),),
        pending=True,
        follows="nrt",
    ),
    Row(SENDER, "over, and it may be resolved", "send resolved", Role.SEND, THIS_PROBE, over=True),
    Row(
        SENDER,
        "over, another one has resolved it",
        "forget, withdraw what waits",
        Role.FORGET,
        THIS_PROBE,
        over=True,
        others=(OtherMember("nrt", ahead=False, ended=5.0),),
    ),
    Row(
        STANDBY,
        "the owner continues",
        "stand by",
        Role.STANDBY,
        "fra",
        others=(OtherMember("fra", ahead=True, owns=True),),
        follows="fra",
    ),
    Row(
        STANDBY,
        "the owner is gone, one before it stands by",
        "wait for that one",
        Role.WAIT,
        "syd",
        others=(OtherMember("fra", ahead=True, holds=True),),
    ),
    Row(
        STANDBY,
        "the owner is gone, it is the first that stands by",
        "become the sender, send nothing until something changes",
        Role.SEND,
        "syd",
        others=(OtherMember("nrt", ahead=False, holds=True),),
    ),
    Row(
        STANDBY,
        f"the owner is gone, or its message has waited for {HANDOVER_SECONDS:g} s",
        "become the sender, send the state as it is",
        Role.REPEAT,
        "fra",
        others=(OtherMember("fra", ahead=True),),
        lost=True,
    ),
    Row(
        STANDBY,
        "over, the owner has resolved it",
        "forget",
        Role.FORGET,
        "fra",
        over=True,
        others=(OtherMember("fra", ahead=True, ended=5.0),),
    ),
    Row(STANDBY, "over, the owner is gone", "send resolved", Role.SEND, "fra", over=True),
    Row(
        STANDBY,
        "over, the owner resolved an earlier one of the same key",
        "send resolved",
        Role.SEND,
        "fra",
        over=True,
        others=(OtherMember("fra", ahead=True, ended=150.0),),
    ),
    Row(
        "sender or standby",
        "another one has resolved it, a quorum still sees it",
        "open it again",
        Role.REOPEN,
        "fra",
        others=(OtherMember("fra", ahead=True, ended=5.0),),
        agreed=True,
    ),
    Row(
        "sender or standby",
        "another one has resolved it, this one alone still sees it",
        "stand by",
        Role.STANDBY,
        "fra",
        others=(
            OtherMember("nrt", ahead=False, ended=5.0),
            OtherMember("fra", ahead=True, owns=True),
        ),
        follows="fra",
    ),
)


def as_markdown() -> str:
    """The table for the docs."""
    rows = [f"| {row.state} | {row.event} | {row.action} |" for row in TABLE]
    return "\n".join(["| state | event | action |", "|---|---|---|", *rows])
