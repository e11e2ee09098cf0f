"""What 30, 300 and 1,000 checks cost a Prometheus: series and bytes of a scrape (``make
bench-series``), and how long it evaluates all rules for them, in three regions (``make
bench-rules``, which prints both).
"""

import asyncio
import gzip
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.evaluation.check_state import CheckStates
from alerts.model import Alert, Fingerprint, Severity
from alerts.prometheus.rules import rules_file
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import DURATION, SUCCESS, Failure, Result, Sample, Status, Unit
from probe.core.thresholds import FAILING, signals_of_check
from probe.kinds import KINDS
from probe.metrics.exporter import Exporter, expose
from tests.servers.scraping.scraper import Scraper

SIZES = (30, 300, 1000)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
REGIONS = ("lax", "fra", "nrt")
RUNS = 25
SECONDS = 75.0
# The phases of an http check over TLS, and what most others have.
TYPICAL = 0.0412345678912345
VALUES = {
    "probe_ssl_earliest_cert_expiry": 1.8e9,
    "probe_http_hsts_max_age_seconds": 63_072_000.0,
    "probe_http_https_redirect": 1.0,
    "probe_http_cors_refused": 1.0,
    "probe_ssl_certificate_remaining_seconds": 5_184_123.5,
}
PHASES = ("resolve", "connect", "tls", "processing", "transfer", "body")


def plan(count: int) -> list[Check]:
    """So many pages, all over TLS."""
    raw = [
        {"name": f"page-{number}", "url": f"https://www.example.org/pages/{number}"}
        for number in range(count)
    ]
    return list(make_plan(KINDS, Variables({}), {"http": raw}).checks)


def passing(check: Check, at: float) -> Result:
    """A run that measures every signal that needs no label but a phase."""
    samples = [Sample(SUCCESS, 1.0), Sample(DURATION, 0.2512345678912345)]
    for signal in signals_of_check(check):
        if signal in (SUCCESS, DURATION):
            continue
        if signal.labels:
            label = signal.labels[0]
            # A phase of HTTP, else one of two: directions, paths, what was lost.
            values = PHASES[:5] if label == "phase" else PHASES[:2]
            samples += [Sample(signal, TYPICAL, {label: value}) for value in values]
        else:
            value = VALUES.get(signal.name, 200.0 if signal.unit is Unit.COUNT else TYPICAL)
            samples.append(Sample(signal, value))
    phases = dict.fromkeys(PHASES, TYPICAL)
    started = datetime.fromtimestamp(at, UTC)
    return Result(check.name, Status.OK, started, 0.25, phases, tuple(samples))


def failing(result: Result) -> Result:
    """The same run, answered with 503."""
    failure = Failure("status", Cause.HTTP_STATUS, "answered 503", "look at its log")
    return replace(result, status=Status.FAILED, failure=failure)


def _alert(check: Check) -> Alert:
    return Alert(
        Fingerprint(check.name, FAILING),
        Severity.CRITICAL,
        since=1.0,
        fired=2.0,
        summary="answered 503",
        kind=check.kind.name,
        target=check.table.target,
        region="lax",
        runbook="backend-down",
        phase="status",
        cause="http_status",
    )


def page(
    checks: list[Check],
    region: str,
    *,
    full: bool,
    runs: int = RUNS,
    accept: str | None = None,
    fails: bool = False,
) -> bytes:
    """A scrape of a daemon whose checks all have run for a while; ``fails``: and whose newest runs
    were all answered with 503, of which each has an alert."""
    alerts = [_alert(check) for check in checks] if fails else []
    states, exporter = CheckStates(), Exporter(region=region, full=full, alerts=lambda: alerts)
    states.set_checks(checks)
    exporter.set_checks(checks)
    # The newest run is a moment ago for as long as the rules are looked at.
    start = time.time()
    for check in checks:
        for run in range(runs):
            result = passing(check, start + 10 * run)
            if fails and run == runs - 1:
                result = failing(result)
            states.update(result, 10.0 * run, start + 10 * run)
            state = states.state(check.name)
            exporter.observe(result, state.evaluations if state else ())
    text = expose(exporter, CollectorRegistry(), accept)[0]
    return text + f'probe_build_info{{region="{region}"}} 1\n'.encode()


def show_sizes() -> None:
    """Series and bytes of a scrape, by checks."""
    print("checks  set          series  each   bytes      gzip")
    for size in SIZES:
        checks = plan(size)
        pages = {
            "default": page(checks, "lax", full=False),
            "OpenMetrics": page(checks, "lax", full=False, accept=OPENMETRICS),
            "all failing": page(checks, "lax", full=False, fails=True),
            "full": page(checks, "lax", full=True),
        }
        for name, text in pages.items():
            series = sum(not line.startswith(b"#") for line in text.splitlines())
            packed = len(gzip.compress(text))
            print(f"{size:6}  {name:11} {series:7} {series / size:5.1f} {len(text):10} {packed:9}")


async def show_evaluation(folder: Path, size: int) -> None:
    """How long each group takes for so many checks in each region, by Prometheus' own account."""
    checks = plan(size)
    async with AsyncExitStack() as stack:
        pages = [await _served(stack, page(checks, each, full=False)) for each in REGIONS]
        server = Scraper(folder, jobs={"probe": pages}, rules=rules_file(KINDS), every="15s")
        prometheus = await stack.enter_async_context(server)
        await asyncio.sleep(SECONDS)
        totals: dict[str, list[float]] = {}
        for _ in range(5):
            for series in await prometheus.own("prometheus_rule_group_last_duration_seconds"):
                name = series[0].rpartition(";")[2]
                totals.setdefault(name, []).append(series[1])
            await asyncio.sleep(15)
    print(f"{size} checks in {len(REGIONS)} regions:")
    found = {name: statistics.median(values) for name, values in totals.items()}
    for name, seconds in found.items():
        print(f"  {name:24} {1000 * seconds:8.1f} ms")
    print(f"  {'all groups':24} {1000 * sum(found.values()):8.1f} ms")


async def _served(stack: AsyncExitStack, text: bytes) -> str:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=text, content_type="text/plain")

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"127.0.0.1:{runner.addresses[0][1]}"


async def main() -> None:
    """Print both; with the argument ``sizes`` the first alone."""
    text = rules_file(KINDS)
    print(f"rules file: {len(text.splitlines())} lines, {len(text)} bytes")
    show_sizes()
    if sys.argv[1:] == ["sizes"]:
        return
    with tempfile.TemporaryDirectory() as work:
        await show_evaluation(Path(work), SIZES[-1])


if __name__ == "__main__":
    asyncio.run(main())
