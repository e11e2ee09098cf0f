"""``/probe`` and its neighbours over HTTP, as blackbox_exporter answers them."""

import gzip
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web
from msgspec import Struct

from probe.core.model import Result
from probe.exporter.debug_log import debug_page
from probe.exporter.exposition import expose_result
from probe.exporter.probe_target import HostnameConflict, InvalidTarget
from probe.exporter.request import (
    SCRAPE_TIMEOUT,
    BadRequest,
    ProbeRequest,
    read_request,
    wants_debug,
)
from probe.exporter.service import Busy, Forbidden, ProbeService
from probe.web.access import PROBE_PATH
from probe.web.rendered import takes_gzip

CONFIG_PATH = "/config"
HEALTHY_PATH, RELOAD_PATH = "/-/healthy", "/-/reload"
RETRY_SECONDS = 1
_MIN_ZIPPED = 1024


class ProbeEndpoint(Struct, frozen=True):
    """The handlers. ``reload`` reads the configuration again and gives what is wrong with it, empty
    if it is in force."""

    service: ProbeService
    reload: Callable[[], Awaitable[str]]

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [
            web.get(PROBE_PATH, self._probe),
            web.get(CONFIG_PATH, self._config),
            web.get(HEALTHY_PATH, self._healthy),
            web.post(RELOAD_PATH, self._reload),
            web.put(RELOAD_PATH, self._reload),
        ]

    async def _probe(self, request: web.Request) -> web.Response:
        query = {name: request.query.getall(name) for name in request.query}
        try:
            parsed = read_request(query, request.headers.get(SCRAPE_TIMEOUT), self.service.config())
            result = await self.service.probe(parsed)
        except (BadRequest, HostnameConflict) as error:
            return _text(400, self.service.context.redact(str(error)))
        except InvalidTarget as error:
            return self._invalid(request, query, str(error))
        except Forbidden as error:
            return _text(403, str(error))
        except Busy as error:
            return _text(error.status, str(error), {"Retry-After": str(RETRY_SECONDS)})
        accept = None if parsed.debug else request.headers.get("Accept")
        body, content_type = expose_result(result, accept)
        if parsed.debug:
            body, content_type = self._debug(parsed, body, result), "text/plain; charset=utf-8"
        return _zipped(request, body, content_type)

    def _invalid(
        self, request: web.Request, query: Mapping[str, Sequence[str]], problem: str
    ) -> web.Response:
        """A failed probe, as for blackbox_exporter: rules on probe_success see it."""
        result = self.service.result_for_invalid(problem)
        if not wants_debug(query):
            return _zipped(request, *expose_result(result, request.headers.get("Accept")))
        metrics = expose_result(result, None)[0].decode()
        message = result.failure.message if result.failure else ""
        return _text(
            200,
            f"Logs for the probe:\n{message}\n\nMetrics that would have been returned:\n{metrics}",
        )

    def _debug(self, parsed: ProbeRequest, metrics: bytes, result: Result) -> bytes:
        redact = self.service.context.redact
        text = debug_page(
            result,
            metrics,
            parsed.module_name,
            parsed.module,
            redact(parsed.target),
            parsed.deadline,
        )
        return text.encode("utf-8", "backslashreplace")

    async def _config(self, request: web.Request) -> web.Response:
        return _text(200, self.service.config().document().rstrip("\n"))

    async def _healthy(self, request: web.Request) -> web.Response:
        return _text(200, "Healthy")

    async def _reload(self, request: web.Request) -> web.Response:
        problem = await self.reload()
        if problem:
            return _text(500, f"failed to reload config: {problem}")
        return web.Response()


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=headers)


def _zipped(request: web.Request, body: bytes, content_type: str) -> web.Response:
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    if len(body) >= _MIN_ZIPPED and takes_gzip(request.headers.get("Accept-Encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 5)
    return web.Response(body=body, headers=headers)
