"""The real Alertmanager, from Debian's package."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests import requirements
from tests.servers.prometheus_server import PrometheusServer

CONFIG = """
route:
  receiver: webhook
  group_by: [check]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: webhook
    webhook_configs:
      - url: "{webhook}"
        send_resolved: true
"""


class Alertmanager(PrometheusServer):
    """``async with Alertmanager(folder, webhook=URL) as server``: one that answers."""

    def __init__(
        self, folder: Path, *, webhook: str, config: str = CONFIG, cluster: Sequence[str] = ()
    ) -> None:
        """``cluster`` are options that make it a member of one; without them it is alone."""
        super().__init__(requirements.program("prometheus-alertmanager", part="alertmanager"))
        self._cluster = cluster or ("--cluster.listen-address=",)
        self._folder, self._text = folder, config.replace("{webhook}", webhook)

    def options(self) -> Sequence[str]:
        config = self._folder / "alertmanager.yml"
        config.write_text(self._text)
        storage = self._folder / "alertmanager"
        return (f"--config.file={config}", f"--storage.path={storage}", *self._cluster)

    async def alerts(self) -> list[dict[str, Any]]:
        """What is active there."""
        active = {"active": "true"}
        async with self._session.get(f"{self.url}/api/v2/alerts", params=active) as response:
            found: list[dict[str, Any]] = json.loads(await response.text())
            return found
