"""What a notifier offers whose service can say who has sent to it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from alerts.senders.mark import SentBy


@runtime_checkable
class Attributing(Protocol):
    """A notifier whose service says who has sent the messages of an incident; ``can_query``: it can
    be asked with what is configured."""

    @property
    def name(self) -> str: ...

    @property
    def can_query(self) -> bool: ...

    async def senders(self, regions: Sequence[str], groups: Sequence[str]) -> Sequence[SentBy]:
        """The marks in what is open there under the same identity as ours: of probes in
        ``regions`` (empty: without one), with incidents named after ``groups``. Raises
        :class:`alerts.model.NotifyError`."""
        ...
