"""Which of several probes tells a chat of an incident that they share; pure.

A pager recognises an incident by its key, so every probe tells it. Where each message is read
by people, one probe tells: the first in order that sees the incident. It owns the incident and
says so whenever it is asked; the others keep in mind what was told, and the next one goes on
when it is gone. What is lost in the very seconds between may be told twice, never not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# For each probe before it that sees the incident too, a probe waits so long for it to tell.
PATIENCE_SECONDS = 10.0
MINE = ""


@dataclass(frozen=True, slots=True)
class Other:
    """What another probe that can be reached says of one incident at one notifier.

    ``ahead``: it comes before this one. ``sees``: it burns there, or is about to. ``owns``: it
    has told of it; ``holds``: it knows that it was told. ``ended`` is how many seconds ago it
    told that it is over, None if it didn't.
    """

    name: str
    ahead: bool
    sees: bool = False
    owns: bool = False
    holds: bool = False
    ended: float | None = None


class Role(StrEnum):
    """What this probe does: tell, wait, let another one tell, or forget what is over."""

    TELL = "tell"
    WAIT = "wait"
    FOLLOW = "follow"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Assignment:
    """This probe's part; ``owner`` is whom it follows."""

    part: Role
    owner: str = MINE


def elect(
    owner: str | None, over: bool, others: Sequence[Other], waited: float, opened: float
) -> Assignment:
    """This probe's part in an incident.

    ``owner`` is who has told of it (``MINE``: this one, None: nobody that is known of);
    ``over``: it no longer burns here; ``waited`` and ``opened`` are since how many seconds it
    has burned here, and since how many seconds it is known to have been told.
    """
    owners = [other for other in others if other.owns]
    if over and owner is not None and _ended(others, opened):
        return Assignment(Role.FORGET)
    if owner == MINE:
        # Both have told: the one that comes first goes on.
        owners = [other for other in owners if other.ahead]
        return Assignment(Role.FOLLOW, owners[0].name) if owners else Assignment(Role.TELL)
    if owner is None:
        # Who told may be gone, and those who know of it go on.
        owners = owners or [other for other in others if other.holds]
    if owners:
        return Assignment(Role.FOLLOW, owners[0].name)
    if owner is None:
        before = [other for other in others if other.ahead and other.sees]
        timeout = PATIENCE_SECONDS * len(before)
        return Assignment(Role.WAIT if waited < timeout else Role.TELL)
    heirs = [other for other in others if other.ahead and other.holds]
    return Assignment(Role.WAIT if heirs else Role.TELL)


def _ended(others: Sequence[Other], opened: float) -> bool:
    """Whether another one has told the end of this very incident, not of one before it."""
    return any(other.ended is not None and other.ended < opened for other in others)
