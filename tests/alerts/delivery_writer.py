"""A process that tells of incidents until it is killed: ``delivery_writer FOLDER URL SEED MODE``.

``MODE`` is ``write`` (never ends by itself) or ``drain`` (ends when nothing waits any more).
Every commit stores, with the message, what the service must know in the end: the state of a
key is ``{"incident": …, "burns": …}``, that of the notes how many there are.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import aiohttp

from alerts.dispatch import Dispatcher
from alerts.model import Delivery, Message, NotifyError
from alerts.outbox import Outbox
from tests.alerts.words import CHANGED, FIRING, NOTE, REMINDER, RESOLVED, a_delivery

KEYS = ("a", "b", "c", "d", "e")
NOTES = "notes"
# The dispatcher's hours pass in minutes.
HASTE = 100.0
BREATH_SECONDS = 0.01


@dataclass(frozen=True)
class HttpNotifier:
    """Posts each message to the service of the test."""

    session: aiohttp.ClientSession
    url: str
    name: str = "service"
    tells_past: bool = False
    resend_seconds: float | None = None
    pause: float = 0.0

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Raises NotifyError unless the service says 200."""
        body = {"key": message.key, "occasion": message.occasion, "text": message.text}
        try:
            async with self.session.post(self.url, json=body) as response:
                await response.read()
                patience = response.headers.get("Retry-After")
        except aiohttp.ClientError as error:
            raise NotifyError(type(error).__name__) from error
        if response.status != 200:
            retry_after = None if patience is None else float(patience)
            raise NotifyError(str(response.status), retry_after=retry_after)
        return {"status": str(response.status)}


class Teller:
    """Makes incidents: each key in turn fires, changes, is reminded of, resolves."""

    def __init__(self, outbox: Outbox, random: Random) -> None:
        self._outbox, self._random = outbox, random

    async def tell(self) -> None:
        """One commit: a key's next transition, or a note."""
        states = {key: json.loads(text) for key, text in (await self._outbox.states()).items()}
        if self._random.random() < 0.1:
            number = states.get(NOTES, 0) + 1
            await self._commit(NOTES, number, a_delivery(NOTE, NOTES, to="service"), str(number))
            return
        key = self._random.choice(KEYS)
        state = states.get(key, {"incident": 0, "burns": False})
        if not state["burns"]:
            occasion, state = FIRING, {"incident": state["incident"] + 1, "burns": True}
        else:
            occasion = self._random.choice((CHANGED, REMINDER, RESOLVED, RESOLVED))
            state = {**state, "burns": occasion is not RESOLVED}
        delivery = a_delivery(occasion, key, to="service")
        await self._commit(key, state, delivery, str(state["incident"]))

    async def _commit(self, key: str, state: object, delivery: Delivery, text: str) -> None:
        message = replace(delivery.message, text=text)
        await self._outbox.commit({key: json.dumps(state)}, [replace(delivery, message=message)])


async def main(folder: str, url: str, seed: int, mode: str) -> None:
    """Tell, or only deliver."""
    random = Random(seed)
    outbox = await Outbox.open(Path(folder))
    async with aiohttp.ClientSession() as session:
        dispatcher = Dispatcher(
            outbox,
            {"service": HttpNotifier(session, url)},
            clock=lambda: time.monotonic() * HASTE,
            now=time.time,
            random=random,
            on_refused=_unexpected,
            deadline=0.1,
        )
        running = asyncio.create_task(dispatcher.run())
        teller = Teller(outbox, random)
        while mode == "write" or await outbox.waiting():
            if mode == "write":
                await teller.tell()
            dispatcher.wake()
            await asyncio.sleep(BREATH_SECONDS * random.random())
        await dispatcher.stop(1.0)
        await running
    await outbox.close()


async def _unexpected(delivery: Delivery, error: str) -> None:
    raise AssertionError("the service refuses nothing for good")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
