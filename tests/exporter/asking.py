"""An exporter on a port of its own, and what it answers."""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from msgspec import Struct, field
from msgspec.structs import replace

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.outcome.stall import Disturbance
from probe.diagnostics.redact import Redactor
from probe.exporter.endpoint import ProbeEndpoint
from probe.exporter.modules.builtin import Modules
from probe.exporter.modules.module import Module
from probe.exporter.service import ProbeService
from probe.exporter.settings import ExporterConfig
from probe.exporter.targets import AllowList
from tests.servers.certificate import Certificate

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Answer(Struct, frozen=True):
    """A response; ``samples`` by their whole names."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def samples(self) -> dict[str, float]:
        lines = [line for line in self.text.splitlines() if line and not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    @property
    def success(self) -> float | None:
        return self.samples.get("probe_success")

    @property
    def why(self) -> str:
        """The line that gives cause and phase of a failure; empty for none."""
        found = [name for name in self.samples if name.startswith("probe_failure_info")]
        return found[0] if found else ""


@dataclass
class Asked:
    """A running exporter; ``reloads`` counts."""

    url: str
    session: aiohttp.ClientSession
    service: ProbeService
    reloads: int = 0
    problem: str = ""

    async def get(self, path: str, method: str = "GET", **options: Any) -> Answer:
        async with self.session.request(method, self.url + path, **options) as response:
            headers = dict(response.headers.items())
            return Answer(response.status, await response.text(), headers)

    async def probe(
        self, target: str, module: str = "", headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        # Well before a test gives up, on a busy machine too.
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "30", **(headers or {})}
        query = {"target": target, **({"module": module} if module else {}), **more}
        return await self.get("/probe", params=query, headers=headers)


def modules(**tables: Mapping[str, Any]) -> dict[str, Module]:
    """The built-in modules and these."""
    own = {name: Module.model_validate(table) for name, table in tables.items()}
    return {**Modules({}), **own}


def config_of(
    targets: Sequence[str] = LOOPBACK,
    ca_file: Path | None = None,
    tables: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> ExporterConfig:
    config = ExporterConfig(AllowList.of(targets), modules(**(tables or {})), ca_file)
    return replace(config, **more)


class Calm:
    """A watch that sees no standstill: a busy machine's own would make results unknown."""

    def begin(self) -> "Calm":
        return self

    def disturbs(self, seconds: float) -> bool:
        return False

    def end(self) -> Disturbance:
        return Disturbance()


def calm_context(redact: Callable[[str], str] = str) -> Context:
    """A context whose runs are the target's alone."""
    context = Context(redact=redact)
    context.get_or_create("stall-watch", Calm)
    return context


@asynccontextmanager
async def exporter(
    config: ExporterConfig | None = None, planned: Sequence[Check] = ()
) -> AsyncIterator[Asked]:
    """Serve ``/probe`` until the end of the block."""
    config = config or config_of()
    context = calm_context(Redactor(config.secrets).clean)
    service = ProbeService(context, lambda: config, lambda: planned)
    asked: list[Asked] = []

    async def reload() -> str:
        asked[0].reloads += 1
        return asked[0].problem

    app = web.Application()
    app.add_routes(ProbeEndpoint(service, reload).routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
    asked.append(Asked(f"http://{host}:{port}", session, service))
    try:
        yield asked[0]
    finally:
        await session.close()
        await runner.cleanup()
        await context.closing.drain(timeout=5.0)


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """TLS of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return context
