"""A process that ends between any two steps leaves an outbox that the next one completes."""

import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.model import Delivery, Message, NotifyError
from alerts.outbox.outbox import Outbox
from tests.alerts.services import RECEIVED, Post, Service, open_at_the_end, running
from tests.alerts.words import CHANGED, FIRING, NOTE, REMINDER, RESOLVED, a_delivery

BUSY = NotifyError("503")
GONE = NotifyError("400", permanent=True)
STORY = (
    ("a", FIRING, "a1"),
    ("b", FIRING, "b1"),
    ("n", NOTE, "n1"),
    ("a", CHANGED, "a1"),
    ("a", RESOLVED, "a1"),
    ("b", RESOLVED, "b1"),
    ("b", FIRING, "b2"),
    ("n", NOTE, "n2"),
    ("a", FIRING, "a2"),
    ("a", REMINDER, "a2"),
    ("b", RESOLVED, "b2"),
)
SCRIPTS: dict[str, list[object]] = {
    "all is well": [],
    "answers are lost": [RECEIVED] * 40,
    "every second fails": [BUSY, None] * 20,
    "away, then answers lost": [BUSY] * 9 + [RECEIVED] * 5,
    "notes are refused": [None, None, GONE],
}


@dataclass
class Camera:
    """Keeps what a process would leave behind if it ended now, again and again."""

    folder: Path
    album: Path
    received: list[Message] = field(default_factory=list)
    pictures: list[tuple[Path, list[Message]]] = field(default_factory=list)

    def shoot(self) -> None:
        """Files as they are, and what the service has received."""
        path = self.album / str(len(self.pictures))
        shutil.copytree(self.folder, path)
        self.pictures.append((path, list(self.received)))

    async def around(self, step: Awaitable[object]) -> None:
        """Before and after a step."""
        self.shoot()
        await step
        self.shoot()


class FilmedOutbox(Outbox):
    """An outbox with a camera at every change."""

    camera: Camera

    async def commit(
        self, states: Mapping[str, str | None], deliveries: Sequence[Delivery] = ()
    ) -> None:
        await self.camera.around(super().commit(states, deliveries))

    async def begin(self, delivery: Delivery) -> Delivery:
        begun = await super().begin(delivery)
        self.camera.shoot()
        return begun

    async def delivered(self, delivery: Delivery, memory: Mapping[str, str]) -> None:
        await self.camera.around(super().delivered(delivery, memory))

    async def failed(self, delivery: Delivery, error: str, due: float) -> None:
        await self.camera.around(super().failed(delivery, error, due))

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        await self.camera.around(super().dead_letter(delivery, error))

    async def replace(self, old: Sequence[Delivery], new: Delivery | None) -> None:
        await self.camera.around(super().replace(old, new))


def made(number: int) -> Delivery:
    """The story's message of that number."""
    key, occasion, incident = STORY[number]
    delivery = a_delivery(occasion, key, at=number)
    return replace(delivery, message=replace(delivery.message, text=incident))


async def play(post: Post, start: int, between: Callable[[], None]) -> None:
    """The rest of the story; what was sent is stored with each message."""
    for number in range(start, len(STORY)):
        await post.outbox.commit({"told": str(number + 1)}, [made(number)])
        post.dispatcher.wake()
        await post.settled()
        between()


async def filmed(folder: Path, album: Path, script: list[object]) -> Camera:
    """Play the story before a camera."""
    outbox = await FilmedOutbox.open(folder)
    assert isinstance(outbox, FilmedOutbox)
    pager = Service(script=script)
    outbox.camera = Camera(folder, album, pager.received)
    post = Post(outbox, pager)
    async with running(post):
        await play(post, 0, lambda: post.pass_(0.7))
        await post.emptied()
    await outbox.close()
    return outbox.camera


async def complete(folder: Path, received: list[Message]) -> None:
    """The next process goes on from what was left, and ends where it should."""
    pager = Service(script=[BUSY, RECEIVED])
    pager.received.extend(received)
    outbox = await Outbox.open(folder)
    post = Post(outbox, pager)
    async with running(post):
        stored = int((await outbox.states()).get("told", "0"))
        await play(post, stored, lambda: post.pass_(0.7))
        await post.emptied()
    refused = {each.message.text for each in await outbox.refused()}
    await outbox.close()
    assert open_at_the_end(pager.received) == {"a": "a2"}
    notes = {each.text for each in pager.received if each.occasion is NOTE}
    assert notes | refused == {"n1", "n2"}


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
@pytest.mark.parametrize("every", [14, pytest.param(1, marks=pytest.mark.proof)])
async def test_a_process_may_end_after_every_step(tmp_path: Path, script: str, every: int) -> None:
    camera = await filmed(tmp_path / "data", tmp_path / "album", SCRIPTS[script])
    assert len(camera.pictures) > 4 * len(STORY)
    for folder, received in camera.pictures[::every]:
        await complete(folder, received)
