"""In OpenMetrics a histogram and a failure say which run they are of."""

import asyncio
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from probe.core.causes import Cause
from probe.core.model import Failure, Result, Status
from probe.core.outcome.run_id import run_id
from probe.metrics.exporter import Exporter, expose
from probe.metrics.series_count import passing_run
from tests.alerts.checks import plan_of_everything
from tests.bench.rules import plan
from tests.clocks import Clock
from tests.servers.scraping.scraper import Scraper

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
AT = 1_795_703_193.223881


def observed(at: float = AT, *, full: bool = False) -> tuple[Exporter, list[Result]]:
    """A page that passed, and failed a second later."""
    (check,) = plan(1)
    clock = Clock()
    exporter = Exporter(region="lax", full=full, clock=clock)
    exporter.set_checks([check])
    passed = replace(passing_run(check), started_at=datetime.fromtimestamp(at, UTC))
    failure = Failure("status", Cause.HTTP_STATUS, "answered 503", "look at its log")
    failed = replace(
        passed,
        status=Status.FAILED,
        failure=failure,
        started_at=datetime.fromtimestamp(at + 1, UTC),
    )
    for result in (passed, failed):
        exporter.observe(result)
    clock.pass_(60.0)
    return exporter, [passed, failed]


def page(exporter: Exporter, accept: str | None) -> str:
    """What a scraper gets."""
    return expose(exporter, CollectorRegistry(), accept)[0].decode()


@pytest.mark.parametrize("full", [False, True])
def test_the_newest_run_is_the_exemplar_of_its_bucket_and_of_its_failure(full: bool) -> None:
    exporter, (_, failed) = observed(full=full)
    parse: Any = text_string_to_metric_families  # without annotations
    families = {each.name: each for each in parse(page(exporter, OPENMETRICS))}
    own = run_id(failed.check, AT + 1)
    response = families["probe_http_response_histogram_seconds"].samples
    (found,) = [each for each in response if each.exemplar]
    assert found.name.endswith("_bucket")
    assert found.exemplar.labels == {"run_id": own}
    assert found.exemplar.value <= float(found.labels["le"])
    assert float(found.exemplar.timestamp) == pytest.approx(AT + 1, abs=1e-3)
    (counted,) = [each for each in families["probe_failures"].samples if each.exemplar]
    assert (counted.name, counted.exemplar.labels) == ("probe_failures_total", {"run_id": own})


def test_the_text_format_has_no_exemplars() -> None:
    exporter, _ = observed()
    assert " # {" not in page(exporter, None)


def test_an_exemplar_fits_the_128_characters_of_openmetrics() -> None:
    assert len("run_id" + run_id("a" * 500, AT)) <= 128


def test_every_histogram_of_the_default_set_is_whole() -> None:
    checks = plan_of_everything()
    exporter = Exporter(region="lax", full=False)
    exporter.set_checks(checks)
    for check in checks:
        exporter.observe(passing_run(check))
    text = page(exporter, None)
    names = set(re.findall(r"^# TYPE (\w+) histogram$", text, re.MULTILINE))
    assert len(names) > 5
    for name in names:
        buckets = re.findall(rf'^{name}_bucket{{.*le="\+Inf".*}} (\S+)$', text, re.MULTILINE)
        counts = re.findall(rf"^{name}_count{{.*}} (\S+)$", text, re.MULTILINE)
        sums = re.findall(rf"^{name}_sum{{.*}} (\S+)$", text, re.MULTILINE)
        assert buckets == counts, name
        assert len(sums) == len(counts) > 0, name


@pytest.mark.parts
async def test_a_real_prometheus_keeps_them(tmp_path: Path) -> None:
    start = round(time.time(), 3)
    exporter, _ = observed(start)

    async def answer(request: web.Request) -> web.Response:
        body, kind = expose(exporter, CollectorRegistry(), request.headers.get("Accept"))
        return web.Response(body=body, headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    jobs = {"probe": [f"127.0.0.1:{runner.addresses[0][1]}"]}
    options = ["--enable-feature=exemplar-storage"]
    try:
        async with Scraper(tmp_path, jobs=jobs, options=options) as server:
            await server.until("probe_failures_total")
            found = await _exemplars(server.url, "probe_failures_total", start)
            assert found[0]["exemplars"][0]["labels"]["run_id"] == run_id("page-0", start + 1)
            name = "probe_http_response_histogram_seconds_bucket"
            assert await _exemplars(server.url, name, start)
    finally:
        await runner.cleanup()


async def _exemplars(url: str, query: str, start: float) -> list[dict[str, Any]]:
    """What Prometheus has of a query, once it has something."""
    form = {"query": query, "start": f"{start - 60}", "end": f"{start + 600}"}
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            async with session.get(f"{url}/api/v1/query_exemplars", params=form) as response:
                found: list[dict[str, Any]] = json.loads(await response.text())["data"]
            if found:
                return found
            await asyncio.sleep(0.2)
