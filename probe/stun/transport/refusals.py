"""Whether a wait ends while the server refuses (ICMP "port unreachable"): that is the reason then.

A refusal alone ends nothing, since browsers take it for a lost packet; but where no answer comes
at all, it is the more exact reason.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed

# What a server that refuses to the end looks like to who waits for it.
_SILENCE = (
    Cause.DEADLINE,
    Cause.ICE_FAILED,
    Cause.DTLS_FAILED,
    Cause.DATA_CHANNEL_FAILED,
    Cause.RELAY_LOSS,
)


class Refusals:
    """The transports that are refused now, by their errors."""

    def __init__(self) -> None:
        self._errors: dict[object, CheckAborted] = {}

    @property
    def error(self) -> CheckAborted | None:
        """Of one that is refused, and has not been answered since; None where there is none."""
        return next(iter(self._errors.values()), None)

    def refused(self, transport: object, error: CheckAborted) -> None:
        """What this one has sent was refused."""
        self._errors[transport] = error

    def answered(self, transport: object) -> None:
        """Something has come to it."""
        self._errors.pop(transport, None)


_active: ContextVar[Refusals | None] = ContextVar("refusals", default=None)


@contextmanager
def noting_refusals() -> Iterator[Refusals]:
    """Note the refusals of what is opened within, by this task and by those that it starts."""
    noted = Refusals()
    token = _active.set(noted)
    try:
        yield noted
    finally:
        _active.reset(token)


def active_refusals() -> Refusals:
    """Where to note them: discarded outside of ``noting_refusals``."""
    return _active.get() or Refusals()


@contextmanager
def naming_refusal(refusal: Callable[[], CheckAborted | None]) -> Iterator[None]:
    """A wait inside that ends in silence raises the ``refusal`` of then, if there is one."""
    try:
        yield
    except CheckFailed as error:
        found = refusal() if error.cause in _SILENCE else None
        if found is None:
            raise
        raise CheckFailed(found.cause, found.message, phase=error.phase) from None
