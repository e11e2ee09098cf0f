"""How aiohttp's client resolves names: as everything else here, in daemon threads.

aiohttp's own way is the event loop's executor, which the end of the loop waits for: a lookup that
hangs would hold the end of the process for as long as the resolver likes.
"""

import socket

from probe.core.model import NotMeasured
from probe.net.flow.aiohttp_import import aiohttp
from probe.net.lookups import lookups


class SharedLookups(aiohttp.abc.AbstractResolver):
    """Looks up with :class:`probe.net.lookups.Lookups`."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        """The addresses, with a zone where they have one. Raises OSError."""
        try:
            found = await lookups().look_up(host, port, family)
        except NotMeasured as error:
            raise OSError(error.message) from None
        return [
            aiohttp.abc.ResolveResult(
                hostname=host,
                host=_with_zone(address),
                port=port,
                family=version,
                proto=protocol,
                flags=int(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV),
            )
            for version, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _with_zone(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    zone = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{zone}" if zone and "%" not in address[0] else address[0]
