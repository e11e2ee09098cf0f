"""Sends metrics at an interval, and a trace when a run fails. Threads of the SDK do the sending, so
that an endpoint that is silent delays no measurement."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.otel.settings import OtelSettings
from probe.untrusted.daemon_thread import in_daemon_thread

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric as Family

logger = logging.getLogger(__name__)

# What may be sent yet when the process ends.
CLOSE_SECONDS = 1.5

Families = Callable[[], "Iterable[Family]"]


class OtelExport:
    """``families`` gives what ``/metrics`` has at this moment; ``version`` is the probe's."""

    def __init__(
        self, settings: OtelSettings, families: Families, *, region: str, version: str
    ) -> None:
        from opentelemetry.sdk.resources import Resource

        own = {"service.version": version, "probe.region": region}
        self._settings, self._families, self._region = settings, families, region
        self._resource = Resource({**own, **settings.resource})
        self._started = time.time()
        self._metrics = self._metric_exporter() if settings.metrics_url else None
        self._traces = self._tracer_provider() if settings.traces_url else None
        self._failing = False
        self._own: Families = tuple
        self._exports, self._failures = 0, 0

    def add_own_metrics(self, registry: "CollectorRegistry") -> None:
        """Send what a registry has too: the probe's own health; and have it say how the exports
        go."""
        self._own = registry.collect
        registry.register(self)

    def collect(self) -> "Iterator[Family]":
        """How the exports go."""
        from prometheus_client.core import CounterMetricFamily

        for name, text, count in (
            ("probe_otel_exports", "Exports of metrics by OpenTelemetry.", self._exports),
            ("probe_otel_exports_failed", "Exports that did not arrive.", self._failures),
        ):
            yield CounterMetricFamily(name, text, value=float(count))

    def _options(self) -> Mapping[str, Any]:
        from opentelemetry.exporter.otlp.proto.http import Compression

        from probe.otel.session import bounded_session

        settings = self._settings
        return {
            "headers": dict(settings.headers),
            "timeout": settings.timeout,
            "compression": Compression.Gzip if settings.gzip else Compression.NoCompression,
            "session": bounded_session(),
            "certificate_file": str(settings.certificate) if settings.certificate else None,
        }

    def _metric_exporter(self) -> Any:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter(endpoint=self._settings.metrics_url, **self._options())

    def _tracer_provider(self) -> Any:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from probe.otel.traces import RunIds

        exporter = OTLPSpanExporter(endpoint=self._settings.traces_url, **self._options())
        resource, ids = self._resource, RunIds()
        provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        return provider

    def observe(self, check: Check, result: Result) -> None:
        """A result; one that failed becomes a trace."""
        if self._traces is not None and result.status is Status.FAILED:
            from probe.otel.traces import trace_run

            trace_run(self._traces, check, result, self._region)

    @property
    def jobs(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What the daemon keeps running."""
        return {"otel": self.run}

    async def run(self) -> None:
        """Export at the interval until cancelled, then once more what is there."""
        try:
            while True:
                await asyncio.sleep(self._settings.interval)
                await self._export()
        finally:
            await self._close()

    async def _export(self) -> None:
        from opentelemetry.sdk.metrics.export import MetricExportResult

        if self._metrics is None:
            return
        exporter, now = self._metrics, time.time()
        families = [*self._families(), *self._own()]

        def send() -> bool:
            from probe.otel.metrics import metrics_data

            data = metrics_data(families, self._resource, started=self._started, now=now)
            return bool(exporter.export(data) is MetricExportResult.SUCCESS)

        arrived = await in_daemon_thread(send, name="otel metrics")
        self._exports += 1
        self._failures += not arrived
        if not arrived and not self._failing:
            logger.warning("metrics did not reach the OpenTelemetry endpoint")
        self._failing = not arrived

    async def _close(self) -> None:
        traces = self._traces
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._export()
                if traces is not None:
                    await in_daemon_thread(traces.shutdown, name="otel traces")
        except TimeoutError:
            logger.warning("the OpenTelemetry endpoint did not take what was left to send")
