"""A process that tells of incidents until it is killed: ``delivery_writer FOLDER SEED MODE``.

The notifiers are those of the environment. ``MODE`` is ``write`` (never ends by itself) or
``drain`` (ends when nothing waits any more). Every commit stores, with the messages, what the
services must know in the end: the state of a key is ``{"incident": …, "burns": …}``, that of
the notes how many there are. A message's title is ``KEY #INCIDENT``.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from random import Random

from msgspec.structs import replace

from alerts.model import Delivery, MessageType
from alerts.notification.sender import Dispatcher
from alerts.notifier import Notifier
from alerts.notifiers import NOTIFIERS
from alerts.outbox.outbox import Outbox
from probe.core.environment import Variables, read_environment
from tests.alerts.samples import failing, sample_message
from tests.alerts.words import CHANGED, FIRING, NOTE, REMINDER, RESOLVED

KEYS = ("a", "b", "c", "d", "e")
NOTES = "notes"
# The dispatcher's hours pass in seconds.
HASTE = 2000.0
BREATH_SECONDS = 0.02
# Real seconds for a send: far more than an answer on loopback takes, if one comes.
DEADLINE_SECONDS = 0.5


class Teller:
    """Makes incidents: each key in turn fires, changes, is reminded of, resolves."""

    def __init__(self, outbox: Outbox, random: Random, notifiers: list[Notifier]) -> None:
        self._outbox, self._random, self._notifiers = outbox, random, notifiers

    async def tell(self) -> None:
        """One commit: a key's next transition, or a note."""
        states = {key: json.loads(text) for key, text in (await self._outbox.states()).items()}
        if self._random.random() < 0.1:
            number = states.get(NOTES, 0) + 1
            await self._commit(NOTES, number, NOTE, number)
            return
        key = self._random.choice(KEYS)
        state = states.get(key, {"incident": 0, "burns": False})
        if not state["burns"]:
            occasion, state = FIRING, {"incident": state["incident"] + 1, "burns": True}
        else:
            occasion = self._random.choice((CHANGED, REMINDER, RESOLVED, RESOLVED))
            state = {**state, "burns": occasion is not RESOLVED}
        await self._commit(key, state, occasion, state["incident"])

    async def _commit(self, key: str, state: object, occasion: MessageType, incident: int) -> None:
        now = time.time()
        alert = failing(key, since=now, fired=now)
        over = occasion is RESOLVED
        message = sample_message(
            occasion,
            key=key,
            title=f"{key} #{incident}",
            at=now,
            since=now,
            firing=() if over or occasion is NOTE else (alert,),
            resolved=(replace(alert, ended=now),) if over else (),
        )
        deliveries = [Delivery(notifier.name, message) for notifier in self._notifiers]
        await self._outbox.commit({key: json.dumps(state)}, deliveries)


async def main(folder: str, seed: int, mode: str) -> None:
    """Tell, or only deliver."""
    random = Random(seed)
    outbox = await Outbox.open(Path(folder))
    variables = Variables(os.environ)
    made = [each.make(read_environment(each.environment, variables)) for each in NOTIFIERS]
    notifiers = [notifier for notifier in made if notifier is not None]
    dispatcher = Dispatcher(
        outbox,
        {notifier.name: notifier for notifier in notifiers},
        clock=lambda: time.monotonic() * HASTE,
        now=time.time,
        random=random,
        on_refused=_unexpected,
        deadline=DEADLINE_SECONDS,
    )
    running = asyncio.create_task(dispatcher.run())
    teller = Teller(outbox, random, notifiers)
    while mode == "write" or await outbox.waiting():
        if mode == "write":
            await teller.tell()
        dispatcher.wake()
        await asyncio.sleep(BREATH_SECONDS * random.random())
    await dispatcher.stop(1.0)
    await running
    await outbox.close()


async def _unexpected(delivery: Delivery, error: str) -> None:
    raise AssertionError("the services refuse nothing for good")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
