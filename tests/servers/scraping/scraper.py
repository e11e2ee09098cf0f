"""The real Prometheus, scraping and judging at short intervals; from Debian's package."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import requirements
from tests.servers.prometheus_server import PrometheusServer


class Scraper(PrometheusServer):
    """``async with Scraper(folder, jobs={"probe": ["127.0.0.1:9091"]}) as server``."""

    def __init__(
        self,
        folder: Path,
        *,
        jobs: Mapping[str, Sequence[str]],
        rules: str = "",
        alertmanager: str = "",
        every: str = "1s",
        scrape: Mapping[str, Any] | None = None,
        more: Sequence[Mapping[str, Any]] = (),
        options: Sequence[str] = (),
    ) -> None:
        """``scrape`` are more keys of each job: how it gets in; ``more`` are whole jobs,
        ``options`` of the command line."""
        super().__init__(requirements.program("prometheus", part="prometheus"))
        self._options = options
        self._folder = folder
        (folder / "rules.yml").write_text(rules or "groups: []\n", encoding="utf-8")
        self._config = {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": [
                {
                    "job_name": job,
                    "honor_labels": True,
                    "static_configs": [{"targets": [*targets]}],
                    **(scrape or {}),
                }
                for job, targets in jobs.items()
            ]
            + list(more),
        }
        if alertmanager:
            receivers = [{"static_configs": [{"targets": alertmanager.split(",")}]}]
            self._config["alerting"] = {"alertmanagers": receivers}

    def options(self) -> Sequence[str]:
        config = self._folder / "prometheus.yml"
        # What is JSON is YAML too.
        config.write_text(json.dumps(self._config), encoding="utf-8")
        tsdb = self._folder / "tsdb"
        return (f"--config.file={config}", f"--storage.tsdb.path={tsdb}", *self._options)

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """An expression's series at this moment."""
        return await self._ask("query", {"query": expr})

    async def query_range(
        self, expr: str, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """An expression's series between two moments, in seconds since 1970."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return await self._ask("query_range", {"query": expr, **times})

    async def until(self, expr: str, seconds: float = 90.0) -> list[dict[str, Any]]:
        """Wait until an expression has a series."""
        async with asyncio.timeout(seconds):
            while not (found := await self.query(expr)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        return found

    async def unhealthy_rules(self) -> list[str]:
        """Rules whose last evaluation ended in an error, with it."""
        async with self._session.get(f"{self.url}/api/v1/rules") as response:
            document = json.loads(await response.text())
        rules = [rule for group in document["data"]["groups"] for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    async def own(self, metric: str) -> list[tuple[str, float]]:
        """The server's own metric, from its own page: the first label's value, and the value."""
        async with self._session.get(f"{self.url}/metrics") as response:
            text = await response.text()
        found = re.findall(rf'^{metric}{{\w+="([^"]*)"[^}}]*}} (\S+)$', text, re.MULTILINE)
        return [(name, float(value)) for name, value in found]

    async def _ask(self, what: str, form: Mapping[str, str]) -> list[dict[str, Any]]:
        async with self._session.post(f"{self.url}/api/v1/{what}", data=form) as response:
            document = json.loads(await response.text())
        assert document["status"] == "success", f"{form['query']}: {document}"
        found: list[dict[str, Any]] = document["data"]["result"]
        return found
