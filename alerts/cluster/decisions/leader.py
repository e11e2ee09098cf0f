"""Which of several probes notifies a receiver of an alert group that they share; pure.

A pager recognizes a group by its key, so every probe notifies it. Where each message is read
by people, one probe notifies: the first in order that sees the group. It owns the group and
says so whenever it is asked; the others keep in mind what was sent, and the next one goes on
when it is gone, or when it can't deliver. What is lost in the seconds between may be sent
twice, but is never lost. docs/regions.md has the whole protocol as a table.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from alerts.role import THIS_PROBE, Assignment, Role

# For each probe before it that sees the group too, a probe waits so long for it to notify.
NOTIFY_TIMEOUT_SECONDS = 10.0
# Whose message no receiver has taken for so long hands the group over.
HANDOVER_SECONDS = 15.0


class OtherMember(Struct, frozen=True):
    """What another probe that can be reached says of one group at one notifier.

    ``ahead``: it comes before this one. ``sees``: it fires there, or is about to. ``owns``: it
    has notified of it; ``holds``: it knows that somebody did. ``ended`` is how many seconds ago
    the receiver took its message that the group is resolved, None if none did; ``sending`` for
    how many its first one has been on its way, without a failed attempt; ``opened`` for how many
    what it owns or holds is known to have been sent. ``ends``: it is sending the end.
    """

    name: str
    ahead: bool
    sees: bool = False
    owns: bool = False
    holds: bool = False
    ended: float | None = None
    sending: float | None = None
    opened: float | None = None
    ends: bool = False


class NotifyTurn(Struct, frozen=True):
    """Since when (``at``) this probe waits for those ``before`` it to notify of a group that has
    been firing since ``begun``, and of which its own message has been ``due`` since then."""

    begun: float
    due: float
    at: float
    before: frozenset[str]


def next_turn(
    turn: NotifyTurn | None, begun: float, before: frozenset[str], now: float
) -> NotifyTurn:
    """The turn by now, when those ``before`` this probe see the group.

    When one of them is lost, the next one gets its own time: those behind it notice the loss in
    the same second, and all of them would notify. No later than all had their time. A warning that
    waits for its group is due to all of them at the same time.
    """
    if turn is None or turn.begun != begun:
        turn = NotifyTurn(begun, now, now, before)
    if turn.before <= before:
        return replace(turn, before=before)
    longest = NOTIFY_TIMEOUT_SECONDS * len(turn.before)
    return replace(turn, at=max(turn.at, min(now, turn.due + longest)), before=before)


def elect(
    owner: str | None,
    over: bool,
    others: Sequence[OtherMember],
    waited: float,
    opened: float,
    *,
    agreed: bool = False,
    pending: bool = False,
    lost: bool = False,
    ended: float | None = None,
) -> Assignment:
    """This probe's role in a group.

    ``owner`` is who has notified of it (``THIS_PROBE``: this one, None: no known probe);
    ``over``: it no longer fires here; ``waited`` and ``opened`` are since how many seconds it
    is due here, and since how many seconds the receiver is known to have been notified.
    ``agreed``: a quorum sees it now. ``pending``: a message of this probe waits for the
    receiver; ``lost``: one of the owner's did when it was last heard. ``ended`` is how many
    seconds ago this probe resolved a group of this key.
    """
    if owner is not None and _ended(others, opened):
        if over:
            return Assignment(Role.FORGET)
        if agreed:
            return Assignment(Role.REOPEN)
    owners = [other for other in others if other.owns or (over and other.ends)]
    if owner == THIS_PROBE:
        # Both have notified: the one that comes first goes on, or the one that can.
        owners = [other for other in owners if pending or other.ahead]
        return Assignment(Role.STANDBY, owners[0].name) if owners else Assignment(Role.SEND)
    if owner is None:
        owners = _present_owners(others, ended)
    if owners:
        return Assignment(Role.STANDBY, owners[0].name)
    if owner is None:
        return _first_notification(others, waited)
    if any(other.ahead and other.holds for other in others):
        return Assignment(Role.WAIT)
    return Assignment(Role.REPEAT if lost and not over else Role.SEND)


def owner_of(others: Sequence[OtherMember], ended: float | None) -> str | None:
    """Who has notified of a group that this probe has not; None if no member has. ``ended`` is how
    many seconds ago this probe resolved a group of this key."""
    owners = _present_owners(others, ended)
    return owners[0].name if owners else None


def _first_notification(others: Sequence[OtherMember], waited: float) -> Assignment:
    """No probe has notified yet: each probe before this one gets its time to do so, and one
    that is about to gets its time to deliver."""
    before = [other for other in others if other.ahead and other.sees]
    timeout = NOTIFY_TIMEOUT_SECONDS * len(before)
    sending = [other.sending for other in others if other.sending is not None]
    if any(age < NOTIFY_TIMEOUT_SECONDS for age in sending):
        return Assignment(Role.WAIT)
    return Assignment(Role.WAIT if waited < timeout else Role.SEND)


def _present_owners(others: Sequence[OtherMember], ended: float | None) -> list[OtherMember]:
    """Who has notified of a group that is not resolved yet. If the sender is gone, those who
    know of the group go on."""
    ends = [other.ended for other in others if other.ended is not None]
    ends += [] if ended is None else [ended]
    present = [other for other in others if not _is_past(other, ends)]
    owners = [other for other in present if other.owns]
    return owners or [other for other in present if other.holds]


def _is_past(other: OtherMember, ends: Sequence[float]) -> bool:
    """Whether what another one knows of has been resolved since, which it will learn."""
    return other.opened is not None and any(end < other.opened for end in ends)


def _ended(others: Sequence[OtherMember], opened: float) -> bool:
    """Whether another one has ended this very group, not one of the same key before it."""
    return any(other.ended is not None and other.ended < opened for other in others)
