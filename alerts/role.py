"""What this probe does about an alert group: notify, or leave it to another probe."""

from enum import StrEnum

from msgspec import Struct

# The owner of a group that this probe has notified of.
THIS_PROBE = ""


class Role(StrEnum):
    """What this probe does: notify, notify although the receiver has been notified, wait,
    stand by for another one, forget what is resolved, or reopen what another one has closed."""

    SEND = "send"
    REPEAT = "repeat"
    WAIT = "wait"
    STANDBY = "standby"
    FORGET = "forget"
    REOPEN = "reopen"


class Assignment(Struct, frozen=True):
    """This probe's role; ``owner`` is the probe it stands by for."""

    role: Role
    owner: str = THIS_PROBE
