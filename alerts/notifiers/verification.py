"""Whether the receivers would accept a notification, asked without sending one to anybody."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from alerts.model import NotifyError
from alerts.notifier import Notifier, Verifiable


class Verified(Struct, frozen=True):
    """What a receiver answered: ``accepts`` is None where it can't be asked."""

    name: str
    accepts: bool | None
    text: str


async def verify(notifiers: Mapping[str, Notifier]) -> list[Verified]:
    """Ask all receivers at the same time; their names in order."""
    found = await asyncio.gather(*(_verify(name, each) for name, each in notifiers.items()))
    return sorted(found, key=lambda each: each.name)


async def _verify(name: str, notifier: Notifier) -> Verified:
    if not isinstance(notifier, Verifiable):
        return Verified(name, None, "can't be verified without sending a message")
    try:
        return Verified(name, True, await notifier.verify())
    except NotifyError as error:
        return Verified(name, False, error.reason)
    except Exception as error:
        # Its text may hold an address with a secret in it.
        return Verified(name, False, type(error).__name__)
