"""Silences that have not ended, as this process and others have stored them."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from alerts.model import Silence
from alerts.outbox.outbox import Outbox
from alerts.silence.renamed import with_names

logger = logging.getLogger(__name__)


class StoredSilences:
    """``wall`` is the wall clock, with which they are compared; ``take_renamed`` gives the new
    names of checks by their old ones since it was last called."""

    def __init__(
        self, wall: Callable[[], float], take_renamed: Callable[[], Mapping[str, str]]
    ) -> None:
        self._wall, self._take_renamed = wall, take_renamed
        self._outbox: Outbox | None = None
        self._names: dict[str, str] = {}
        # When each silence that has begun began, by its name.
        self._begun: dict[str, float] = {}
        # What one reading changes and has yet to store, another would find unchanged.
        self._one_at_a_time = asyncio.Lock()
        self._current: list[Silence] = []

    def connect(self, outbox: Outbox) -> None:
        """They are stored there."""
        self._outbox = outbox

    @property
    def current(self) -> list[Silence]:
        """Those of the last reading. What names a check by the name that it had then names it by
        both at once; that is stored with the next reading."""
        self._names |= self._take_renamed()
        return [with_names(each, self._names) for each in self._current]

    async def read(self) -> list[Silence]:
        """Read them again: other processes write the file too."""
        async with self._one_at_a_time:
            if self._outbox is not None:
                await self._read(self._outbox)
        return self.current

    async def _read(self, outbox: Outbox) -> None:
        found = await outbox.silences(self._wall())
        self._current, now = found, self._wall()
        kept = self._current = [self._still_begun(each, now) for each in self.current]
        self._names.clear()
        self._begun = {each.name: each.start for each in kept if each.start <= now}
        for before, after in zip(found, kept, strict=True):
            if after == before:
                continue
            await outbox.add_silence(after)
            if after.matches != before.matches:
                logger.warning(
                    "silence %s is of %s now: checks have other names", after.name, after.matches
                )

    def _still_begun(self, silence: Silence, now: float) -> Silence:
        """A silence that has begun holds on when the wall clock is set back to before its start."""
        if now < silence.start == self._begun.get(silence.name):
            return replace(silence, start=now)
        return silence
