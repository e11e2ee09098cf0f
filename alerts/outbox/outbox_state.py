"""What the outbox says of itself."""

from msgspec import Struct


class OutboxState(Struct, frozen=True):
    """The state of the outbox.

    ``persistent``: what it holds survives the process; if not, ``problem`` says why.
    ``waiting`` and ``refused`` count deliveries; ``oldest`` is the ``at`` of the oldest
    waiting message, in seconds since 1970, None when none waits. ``notice`` says what became
    of a file that could not be read. ``stalled_for``: for how many seconds the disk has not
    answered.
    """

    persistent: bool
    problem: str = ""
    waiting: int = 0
    oldest: float | None = None
    refused: int = 0
    notice: str = ""
    stalled_for: float = 0.0
