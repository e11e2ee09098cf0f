"""``http``: one page over a fresh connection, down to what its body says.

A health endpoint answers 200 while it is degraded, so the body is judged too. What the
deployment promises beside that (HTTPS, HSTS, CORS) is measured where it is asked for, and
missing it is a missed objective, never a failure.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.field_types import Bytes
from probe.core.impact import Impact
from probe.core.kind import WAKES_NEON, CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import CheckAborted, CheckFailed, FailurePolicy, Result, Signal, Verdict
from probe.core.recorder import Recorder
from probe.kinds.http.signals import (
    CORS_REFUSED,
    DURATION,
    EXPIRY,
    HSTS,
    HTTPS_REDIRECT,
    LENGTH,
    LOOKUP,
    PROMISES,
    REDIRECTS,
    REMAINING,
    RESPONSE,
    SIGNALS,
    STATUS,
    THRESHOLDS,
    VERSION,
)
from probe.net.http_status import status_error
from probe.net.urls import (
    BaseUrl,
    CaFile,
    HttpUrl,
    check_http_url,
    show_host,
    show_url,
    split_urls,
)
from probe.paircam import health
from probe.paircam.triggers import BACKEND, of_backend, of_services, of_signaling

if TYPE_CHECKING:
    from probe.net.http import FreshHttpClient

# A first page without what it loads, uncompressed, and a TLS handshake: rather too much.
PAGE_BYTES = 50_000
# Beyond this, a server that is asked about its promises counts as silent.
PROMISE_SECONDS = 2.0

# Any answer shows that our network works; what it says is not our business.
REFERENCE = {
    "reference": True,
    "severity": "warning",
    "interval": 30.0,
    "deadline": 5.0,
    "follow_redirects": False,
    "status": tuple(range(200, 600)),
}


class HttpEnvironment(Environment):
    """The application's addresses, as the operators have them."""

    title = "The application"
    backend_url: BaseUrl | None = Field(default=None, alias="BACKEND_URL")
    """Base URL of the application's backend: `/health` and `/health/ready` are probed, and
    signaling, tokens and issued TURN credentials are found below it. Example:
    `https://paircam.live`"""
    frontend_url: BaseUrl | None = Field(default=None, alias="FRONTEND_URL")
    """Address of the page that users open. Example: `https://paircam.live`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")
    references: str | None = Field(default=None, alias="PROBE_REFERENCES")
    """At least two addresses unrelated to the target. While every one of them fails, the probe's
    own network is at fault and no alert fires. Example:
    `https://www.example.org,https://www.example.net`"""

    @field_validator("references")
    @classmethod
    def _two_at_least(cls, value: str | None) -> str | None:
        addresses = split_urls(value)
        for address in addresses:
            check_http_url(address)
        if len(addresses) == 1:
            raise ValueError("one alone proves nothing: name at least two, unrelated to the target")
        return value


class HttpTable(CheckConfig):
    """One page: its address, what is accepted, and what is expected beyond that.

    ``status`` lists accepted codes; None is any 2xx. ``body`` is how it is judged.
    ``expect_new_instance`` is the instance that must not answer any more. ``vercel_bytes`` is
    what a look is taken to cost of Vercel's transfer, handshake included; 0: it isn't there.
    """

    url: HttpUrl
    """Address of the page. Example: `https://status.example.org/`"""
    method: Literal["GET"] = "GET"
    """Request method."""
    body: Literal["health", "ready", "json", "any"] = "any"
    """How the body is judged: `health` and `ready` read the backend's JSON, `json` has to be JSON,
    `any` is not judged. Example: `json`"""
    contains: str | None = None
    """Text that the body has to contain. Example: `Welcome`"""
    status: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Accepted status codes; any 2xx without it. Example: `[200, 204]`"""
    follow_redirects: bool = True
    """Whether redirects are followed. Example: `false`"""
    max_redirects: int = Field(default=10, ge=0, le=50)
    """With more redirects than this the run fails with `too_many_redirects`. Example: `10`"""
    max_body_bytes: Bytes = Field(default=1 << 20, ge=1)
    """A larger body fails the run with `body_too_large`."""
    ca_file: CaFile | None = None
    expect_version: str | None = None
    """Version that the body of `/health` has to report. Example: `1.5.0`"""
    expect_new_instance: str | None = None
    """`instance.id` that must no longer answer: a deployment replaces it. Example: `i-01`"""
    expect_https_redirect: bool = False
    """Whether plain HTTP has to redirect to HTTPS. Example: `true`"""
    expect_hsts: bool = False
    """Whether Strict-Transport-Security has to be sent. Example: `true`"""
    expect_cors_refused: bool = False
    """Whether a foreign origin has to be refused. Example: `true`"""
    reference: bool = False
    """A reference target: its failures say that the probe's own network is down. Example: `true`"""
    vercel_bytes: Bytes = Field(default=0, ge=0)
    """Transfer that one run takes from a Vercel plan; 0 for a page elsewhere. Example: `50000`"""

    @model_validator(mode="after")
    def _body_can_tell(self) -> Self:
        if self.body == "any" and (self.expect_version or self.expect_new_instance):
            raise ValueError('expectations of version or instance need body = "health" or "json"')
        return self

    @property
    def target(self) -> str:
        return show_url(self.address)

    @property
    def is_reference(self) -> bool:
        return self.reference

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        if self.body in ("health", "ready"):
            return Impact("backend", "The backend is down", "The backend is degraded")
        return Impact(self.name, f"{self.name} is down", f"{self.name} is degraded")

    @property
    def alert_group(self) -> str:
        """The host: what it serves breaks together."""
        return show_host(self.address)

    @property
    def redundancy_group(self) -> str | None:
        """What Fly's machines are held against: a backend that answers is not down."""
        return f"backend {self.alert_group}" if self.body == "health" else None

    @property
    def triggers(self) -> frozenset[str]:
        """Of a backend's health: its signaling, which needs all of it."""
        return (
            frozenset({of_signaling(self.alert_group)})
            if self.body in health.HEALTHY_STATUS
            else frozenset()
        )

    def triggers_after(self, result: Result) -> frozenset[str]:
        """Besides, the checks of the services that it names as down."""
        down = result.facts.get(health.DOWN, "")
        return self.triggers | of_services(down.split(", ")) if self.triggers else frozenset()

    @property
    def triggered_by(self) -> frozenset[str]:
        """Whatever is near the backend: its signaling, its Redis, its Postgres."""
        if self.body not in health.HEALTHY_STATUS:
            return frozenset()
        return frozenset({of_backend(self.alert_group), BACKEND})

    @property
    def address(self) -> str:
        """The whole address; it may hold a password."""
        return self.url.get_secret_value()


def derive(environment: HttpEnvironment) -> DerivedChecks:
    """Health and readiness of the backend, and the frontend's first page."""
    tables: list[dict[str, Any]] = []
    skipped: list[str] = []
    if environment.backend_url is None:
        skipped.append("BACKEND_URL is not set")
    else:
        backend = environment.backend_url.get_secret_value()
        # "Down for more than 30 s" needs three looks in that time, each over before the next.
        health_ = {"name": "health", "interval": 10.0, "deadline": 8.0}
        tables.append({**health_, "url": f"{backend}/health", "body": "health"})
        tables.append({"name": "ready", "url": f"{backend}/health/ready", "body": "ready"})
    if environment.frontend_url is None:
        skipped.append("FRONTEND_URL is not set")
    else:
        url = environment.frontend_url.get_secret_value()
        frontend = {"name": "frontend", "url": url, "status": (HTTPStatus.OK,)}
        tables.append({**frontend, "vercel_bytes": PAGE_BYTES})
    for number, url in enumerate(split_urls(environment.references), 1):
        tables.append({**REFERENCE, "name": f"reference-{number}", "url": url})
    return DerivedChecks(tables, skipped, {"ca_file": environment.ca_file})


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
        with _written_down(browser, record, context):
            body = await _get(table, record, browser)
    record.sample(RESPONSE, record.phases["processing"] + record.phases["transfer"])
    with record.phase(health.PHASE):
        _judge(body, table, record)
    if table.expect_https_redirect or table.expect_cors_refused:
        with record.phase("promises"):
            left = table.deadline - (context.clock() - started)
            await _promises(table, record, context, min(PROMISE_SECONDS, left / 2))


async def _get(table: HttpTable, record: Recorder, browser: "FreshHttpClient") -> bytes:
    from probe.net import security_headers

    follow = table.max_redirects if table.follow_redirects else None
    body = b""
    async with browser.open(table.address, max_redirects=follow) as page:
        record.sample(STATUS, page.response.status)
        record.sample(REDIRECTS, page.redirects)
        if page.response.version is not None:
            record.sample(VERSION, float(".".join(str(part) for part in page.response.version)))
        if table.expect_hsts:
            record.sample(HSTS, security_headers.hsts_max_age(page))
        refused = _refused(page.response.status, table, page.url.host_port_subcomponent or "")
        if refused is None or table.body in health.HEALTHY_STATUS:
            body = await browser.read(page, table.max_body_bytes)
        if table.body in health.HEALTHY_STATUS and (down := health.services_down(body)):
            record.facts[health.DOWN] = ", ".join(down)
        if refused is not None:
            raise (
                health.with_service_detail(refused, body)
                if table.body in health.HEALTHY_STATUS
                else refused
            )
    record.sample(LENGTH, len(body))
    return body


def _begin(phase: str, table: HttpTable, record: Recorder) -> None:
    record.current, record.hint = phase, ""
    if phase == "processing" and table.body in health.HEALTHY_STATUS:
        record.hint = (
            "It connects and does not answer: /health asks the database before it answers, "
            "so look whether Postgres hangs."
        )


@contextmanager
def _written_down(browser: "FreshHttpClient", record: Recorder, context: Context) -> Iterator[None]:
    """Whatever becomes of the request, what was measured of it is written down."""
    timing = browser.timing
    try:
        yield
    finally:
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


def _refused(status: int, table: HttpTable, host: str) -> CheckAborted | None:
    accepted = status in table.status if table.status else 200 <= status < 300
    if accepted:
        return None
    message = f"{host} answers {_named(status)}"
    return status_error(status, message, phase="status")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _judge(body: bytes, table: HttpTable, record: Recorder) -> None:
    if table.contains is not None and table.contains.encode() not in body:
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
    """Both questions at once, and never so long that they cost the check its deadline."""
    from probe.net import security_headers

    questions: dict[Signal, security_headers.HeaderCheck] = {}
    if table.expect_https_redirect:
        questions[HTTPS_REDIRECT] = security_headers.redirects_to_https
    if table.expect_cors_refused:
        questions[CORS_REFUSED] = security_headers.refuses_foreign_origins
    asked = (
        question(table.address, ca_file=table.ca_file, clock=context.clock, timeout=timeout)
        for question in questions.values()
    )
    for signal, answer in zip(questions, await asyncio.gather(*asked), strict=True):
        if answer is not None:
            record.sample(signal, answer)


def uses(table: HttpTable) -> tuple[QuotaUse, ...]:
    """/health and /health/ready ask Postgres; a page costs transfer where it is hosted."""
    if table.body in health.HEALTHY_STATUS:
        return (WAKES_NEON,)
    return (QuotaUse("vercel", table.vercel_bytes),) if table.vercel_bytes else ()


KIND: Kind[HttpEnvironment, HttpTable] = Kind(
    name="http",
    summary="a page over a fresh connection: phases, status, what its body says, certificate",
    environment=HttpEnvironment,
    table=HttpTable,
    derive=derive,
    run=run,
    signals=(*SIGNALS, *PROMISES),
    thresholds=THRESHOLDS,
    failing=FailurePolicy(Verdict.CRITICAL, hold=30.0),
    core=True,
    cost="one GET; /health and /health/ready each run SELECT 1 on Postgres and keep Neon awake",
    uses=uses,
    load=lazy_import("probe.net.http", "probe.net.security_headers"),
    interval=60.0,
    retry=10.0,
    plot=RESPONSE,
)
