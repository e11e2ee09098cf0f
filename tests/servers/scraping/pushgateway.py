"""The real Pushgateway, from Debian's package."""

from collections.abc import Sequence

from tests import requirements
from tests.servers.prometheus_server import PrometheusServer


class Pushgateway(PrometheusServer):
    """``async with Pushgateway() as server``: one that takes metrics."""

    def __init__(self) -> None:
        super().__init__(requirements.program("prometheus-pushgateway", part="pushgateway"))

    def options(self) -> Sequence[str]:
        return ("--persistence.file=",)  # Debian's keeps what other runs pushed

    async def metrics(self) -> list[str]:
        """The lines that it holds."""
        async with self._session.get(f"{self.url}/metrics") as response:
            return (await response.text()).splitlines()
