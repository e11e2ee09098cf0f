"""The daemon's signals and failed runs at an OTLP receiver, as protobuf over a socket."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.core.outcome.run_id import run_id
from probe.kinds import KINDS
from probe.otel import settings as otel
from tests.daemon.running import PATIENCE, daemon
from tests.servers.pages import Pages, answers

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


class Collector:
    """An OTLP receiver; what it was sent, decoded."""

    def __init__(self) -> None:
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.traces: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.news = asyncio.Event()
        self.url = ""

    async def take_metrics(self, request: web.Request) -> web.Response:
        self.metrics.append(ExportMetricsServiceRequest.FromString(await self._body(request)))
        return web.Response()

    async def take_traces(self, request: web.Request) -> web.Response:
        self.traces.append(ExportTraceServiceRequest.FromString(await self._body(request)))
        return web.Response()

    async def _body(self, request: web.Request) -> bytes:
        self.headers.append({name.lower(): text for name, text in request.headers.items()})
        self.news.set()
        return await request.read()  # aiohttp unpacks gzip

    @property
    def values(self) -> dict[str, dict[str, float]]:
        """Of the last export: values by metric and check."""
        found: dict[str, dict[str, float]] = {}
        for resource in self.metrics[-1].resource_metrics if self.metrics else ():
            for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
                for point in (*metric.gauge.data_points, *metric.sum.data_points):
                    check = {each.key: each.value.string_value for each in point.attributes}
                    values = found.setdefault(metric.name, {})
                    values[check.get("check", "")] = point.as_double
        return found

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def until(self, condition: object) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # type: ignore[operator]
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    found = Collector()
    app = web.Application()
    app.router.add_post("/v1/metrics", found.take_metrics)
    app.router.add_post("/v1/traces", found.take_traces)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


def strings(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """OTLP attributes by key."""
    return {each.key: each.value.string_value for each in attributes}


async def test_signals_arrive_as_metrics_and_a_failed_run_as_one_trace(tmp_path: Path) -> None:
    async with Pages(answers()) as good, Pages(answers(500)) as bad, collector() as received:
        (tmp_path / "probe.toml").write_text(
            f'[[http]]\nname = "good"\nurl = "{good.url}"\n'
            f'[[http]]\nname = "bad"\nurl = "{bad.url}"\ninterval = 3600\nretry = 3600\n'
        )
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=hunter22%21,x-other=b",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging",
            "LOG_LEVEL": "debug",
        }
        async with daemon(tmp_path, variables) as running:
            both = {"good": 1.0, "bad": 0.0}
            await received.until(lambda: received.values.get("probe_success") == both)
            await received.until(lambda: len(received.spans) >= 3)
            # The probe's own health comes the same way.
            await received.until(lambda: received.values.get("probe_otel_exports_total"))
            assert received.values["probe_checks"] == {"": 2.0}
            assert received.values["probe_otel_exports_failed_total"] == {"": 0.0}
            assert "process_resident_memory_bytes" in received.values
            assert await running.stop() == 0
            log = "".join(running.raw)
    assert received.values["probe_http_status_code"] == {"good": 200.0, "bad": 500.0}
    assert received.headers[0]["x-api-key"] == "hunter22!"
    assert "hunter22" not in log
    attributes = strings(received.metrics[-1].resource_metrics[0].resource.attributes)
    assert attributes["service.name"] == "probe"
    assert attributes["deployment.environment.name"] == "staging"
    check_traces(received)


def check_traces(received: Collector) -> None:
    """Each failed run is a trace: a root with the run's id and the cause, a child a phase."""
    roots = [span for span in received.spans if not span.parent_span_id]
    # A run that confirms the failure is a trace of its own.
    assert {span.name for span in roots} == {"http bad"}
    assert len({span.trace_id for span in roots}) == len(roots)
    # The trace of a run has its id, which exemplars and the API have too.
    assert roots[0].trace_id.hex() == run_id("bad", roots[0].start_time_unix_nano / 1e9)
    first = roots[0].trace_id
    whole = [span for span in received.spans if span.trace_id == first]
    children = {span.name: span for span in whole if span.parent_span_id}
    assert {"connect", "processing", "status"} <= set(children)
    assert children["status"].status.code == 2
    why = strings(roots[0].attributes)
    assert (why["error.type"], why["probe.phase"]) == ("http_status", "status")
    assert roots[0].end_time_unix_nano > roots[0].start_time_unix_nano


async def test_an_endpoint_that_is_away_costs_the_daemon_nothing(tmp_path: Path) -> None:
    async with Pages(answers(500)) as bad:
        (tmp_path / "probe.toml").write_text(f'[[http]]\nname = "bad"\nurl = "{bad.url}"\n')
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "300",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }
        async with daemon(tmp_path, variables) as running:
            await running.ready()
            await running.said("metrics did not reach the OpenTelemetry endpoint")
            failed = (await running.metrics())["probe_otel_exports_failed_total"]
            assert failed >= 1.0
            assert (await running.get("/healthz"))[0] == 200
            assert await running.stop() == 0


def read(**environ: str) -> otel.OtelSettings | None:
    return load_settings(KINDS, environ, env_file=None).otel


def test_addresses_and_attributes_follow_the_specification() -> None:
    found = read(**ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://other/x")
    assert found is not None
    assert found.metrics_url == "http://127.0.0.1:4318/v1/metrics"
    assert found.traces_url == "http://other/x"
    assert read() is None
    assert read(**ENDPOINT, OTEL_SDK_DISABLED="true") is None
    none = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}
    assert read(**ENDPOINT, **none) is None


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "hunter22"}, "NAME=VALUE"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "http://"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "0"}, "OTEL_METRIC_EXPORT_INTERVAL"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**{**ENDPOINT, **variables})
    assert problem in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_without_the_sdk_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'paircam-probe\[otel\]'"):
        read(**ENDPOINT)


def test_nothing_of_it_is_imported_without_its_variable() -> None:
    assert importlib.util.find_spec("opentelemetry.sdk") is not None
    code = "import sys, probe.daemon.daemon; print([m for m in sys.modules if 'opentele' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
