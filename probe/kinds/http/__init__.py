"""``http``: one page over a fresh connection, down to what its body says.

A health endpoint answers 200 while it is degraded, so the body is judged too. What the
deployment promises besides (HTTPS, HSTS, CORS) is measured where it is asked for, and
missing it is a missed objective, never a failure.
"""

from typing import TYPE_CHECKING

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import WAKES_NEON, Kind, QuotaUse, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, Signal, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.http.derivation import HttpEnvironment, derive
from probe.kinds.http.page_text import holds_text
from probe.kinds.http.settings import HttpTable
from probe.kinds.http.signals import (
    CORS_REFUSED,
    DURATION,
    EXPIRY,
    HTTPS_REDIRECT,
    LOOKUP,
    PROMISES,
    REMAINING,
    RESPONSE,
    SIGNALS,
    THRESHOLDS,
)
from probe.kinds.http.visit import Answer, visit
from probe.net.fetch import cors
from probe.net.tasks import gather_first_error
from probe.net.urls import show_host
from probe.paircam import health

if TYPE_CHECKING:
    from probe.net.http import FreshHttpClient

__all__ = ["KIND", "HttpEnvironment", "HttpTable", "derive"]

# Beyond this, a server that is asked about its promises counts as silent.
PROMISE_SECONDS = 2.0


async def run(table: HttpTable, record: Recorder, context: Context) -> None:
    """Get the page, judge it, and see to what else was promised."""
    from probe.net.http import fresh_client

    started = context.clock()
    async with fresh_client(
        ca_file=table.ca_file,
        clock=context.clock,
        host=show_host(table.address),
        on_phase=lambda phase: _begin(phase, table, record),
    ) as browser:
        try:
            answer = await visit(table, record, browser)
        finally:
            _write_down(browser, record, context)
    record.sample(RESPONSE, record.phases["processing"] + record.phases["transfer"])
    with record.phase(health.PHASE):
        _judge(answer, table, record)
    if table.video_calls:
        await _check_calls(answer, table, record, context, started)
    if table.cors_origin is not None:
        with record.phase(cors.PHASE):
            answer.check_readable()
    if table.cors_origin is not None and table.cors_preflight:
        with record.phase("cors_preflight"):
            await _preflight(table, table.cors_origin, context)
    if table.expect_https_redirect or table.expect_cors_refused:
        with record.phase("promises"):
            left = table.deadline - (context.clock() - started)
            await _promises(table, record, context, min(PROMISE_SECONDS, left / 2))


async def _check_calls(
    answer: Answer, table: HttpTable, record: Recorder, context: Context, started: float
) -> None:
    from probe.kinds.http.video_calls import PHASE, check_calls

    with record.phase(PHASE):
        left = table.deadline - (context.clock() - started)
        await check_calls(answer, table, context.clock, left)


async def _preflight(table: HttpTable, origin: str, context: Context) -> None:
    from probe.net.fetch.preflight import send_preflight

    if not cors.is_cross_origin(table.address, origin):
        return
    for text in table.cors_preflight:
        await send_preflight(
            cors.parse_preflight(text),
            table.address,
            origin,
            credentials=table.cors_credentials,
            ca_file=table.ca_file,
            clock=context.clock,
        )


def _begin(phase: str, table: HttpTable, record: Recorder) -> None:
    record.current, record.hint = phase, ""
    if phase == "processing" and table.body in health.HEALTHY_STATUS:
        record.hint = (
            "It connects and does not answer: /health asks the database before it answers, "
            "so check whether Postgres hangs."
        )


def _write_down(browser: "FreshHttpClient", record: Recorder, context: Context) -> None:
    """Whatever becomes of the request, what was measured of it is written down."""
    timing = browser.timing
    for phase, seconds in timing.finished.items():
        record.sample(DURATION, seconds, phase=phase)
    if timing.lookup is not None:
        record.sample(LOOKUP, timing.lookup)
    timing.leave()
    for phase, seconds in timing.phases.items():
        record.add_phase(phase, seconds)
    expiry = browser.tls.certificate_expiry()
    if expiry is not None:
        record.sample(EXPIRY, expiry)
        record.sample(REMAINING, expiry - context.now())
    record.facts.update(browser.tls.facts)


def _judge(answer: Answer, table: HttpTable, record: Recorder) -> None:
    body, kind = answer.body, answer.page.response.headers.get("Content-Type", "")
    if table.contains is not None and not holds_text(body, kind, table.contains):
        raise CheckFailed(Cause.BODY_INVALID, "the body does not hold the expected text")
    if table.body == "any":
        return
    document = health.parse(body)
    identity = health.identify(document)
    record.facts.update(identity.facts)
    if table.body in health.HEALTHY_STATUS:
        health.check_services(document, health.HEALTHY_STATUS[table.body])
    health.check_identity(
        identity, version=table.expect_version, not_instance=table.expect_new_instance
    )


async def _promises(table: HttpTable, record: Recorder, context: Context, timeout: float) -> None:
    """Both promises at once, and never so long that they cost the check its deadline."""
    from probe.net.fetch import security_headers

    promises: dict[Signal, security_headers.HeaderCheck] = {}
    if table.expect_https_redirect:
        promises[HTTPS_REDIRECT] = security_headers.redirects_to_https
    if table.expect_cors_refused:
        promises[CORS_REFUSED] = security_headers.refuses_foreign_origins
    lookups = (
        promise(table.address, ca_file=table.ca_file, clock=context.clock, timeout=timeout)
        for promise in promises.values()
    )
    for signal, answer in zip(promises, await gather_first_error(*lookups), strict=True):
        if answer is not None:
            record.sample(signal, answer)


def uses(table: HttpTable) -> tuple[QuotaUse, ...]:
    """/health and /health/ready ask Postgres; a page costs transfer where it is hosted."""
    if table.body in health.HEALTHY_STATUS:
        return (WAKES_NEON,)
    return (QuotaUse("vercel", table.vercel_bytes),) if table.vercel_bytes else ()


_RUNBOOKS_BY_CAUSE = {
    Cause.DEGRADED: "service-down",
    Cause.SERVICE_DOWN: "service-down",
    Cause.TLS_INVALID: "certificate",
    Cause.VERSION_MISMATCH: "deployment",
    Cause.OLD_INSTANCE: "deployment",
}

KIND: Kind[HttpEnvironment, HttpTable] = Kind(
    name="http",
    summary="a page over a fresh connection: DNS, connect, TLS, first byte, status, body, "
    "certificate",
    environment=HttpEnvironment,
    table=HttpTable,
    derive=derive,
    run=run,
    components=("Backend", "Frontend", "HttpTarget"),
    details=frozenset(
        {
            "probe_http_duration_seconds",
            "probe_dns_lookup_time_seconds",
            "probe_http_version",
            "probe_http_redirects",
            "probe_http_uncompressed_body_length",
            "probe_ssl_certificate_remaining_seconds",
            "probe_http_https_redirect",
            "probe_http_hsts_max_age_seconds",
            "probe_http_cors_refused",
            "body",
            "promises",
            "cors",
            "cors_preflight",
            "transfer",
            "page",
        }
    ),
    signals=(*SIGNALS, *PROMISES),
    thresholds=THRESHOLDS,
    failing=FailurePolicy(Verdict.CRITICAL, hold=30.0),
    core=True,
    cost="one GET; /health and /health/ready each run SELECT 1 on PostgreSQL and keep Neon awake",
    uses=uses,
    load=lazy_import(
        "probe.net.http",
        "probe.net.fetch.security_headers",
        "probe.net.fetch.preflight",
        "probe.kinds.http.refreshes",
    ),
    interval=60.0,
    retry=10.0,
    plot=RESPONSE,
    buckets=(0.5, 1.0, 2.0),
    brief_histogram=True,
    series=25,
    runbooks=Runbooks(
        "backend-down", "response-slow", _RUNBOOKS_BY_CAUSE, {"frontend": "frontend-down"}
    ),
    dashboard="probe-signaling",
    availability=0.999,
    service="backend",
)
