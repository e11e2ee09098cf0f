"""``http``: a request as the module describes it, and what its response is held against."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from yarl import URL

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.exporter.modules.http import HeaderPattern, HttpProbe
from probe.exporter.probers import signals
from probe.exporter.probers.connection import Connector, write_address, write_tls
from probe.exporter.probers.http_request import body_of, headers_for
from probe.exporter.probers.table import ProbeTable, prober
from probe.net.fetch.redirect import REDIRECT, Response, redirect_target
from probe.net.http_status import status_error
from probe.net.urls import show_host

if TYPE_CHECKING:
    from probe.net.http import FreshHttpClient

PHASES = ("resolve", "connect", "tls", "processing", "transfer")
# Of a body that nothing is expected of, no more is read.
UNJUDGED = 1 << 20
# RFC 9113, 4.2: a larger body would have to wait for the server's windows.
MAX_FRAME = 1 << 14
_REPEATED = (307, 308)


async def run(table: ProbeTable, record: Recorder, context: Context) -> None:
    """Request the target, follow its redirects, and judge the last response."""
    from probe.net.http import fresh_client

    settings, address = table.module.http, table.address.get_secret_value()
    _write_nothing(record)
    body = body_of(table)
    connector = Connector(
        settings,
        settings.tls_config,
        table.ca_file,
        server_name=table.hostname or _name_in(settings.host_header),
        alpn=None if settings.enable_http2 and len(body) <= MAX_FRAME else ("http/1.1",),
    )
    async with fresh_client(
        ca_file=table.ca_file,
        clock=context.clock,
        host=show_host(address),
        on_phase=lambda phase: _begin(phase, record),
        connector=connector,
    ) as client:
        with _written_down(client, connector, record):
            await _request(table, body, record, client)


def _begin(phase: str, record: Recorder) -> None:
    record.current = phase


def _write_nothing(record: Recorder) -> None:
    """Zeros, which a target that is down exports as well."""
    for phase in PHASES:
        record.sample(signals.DURATION, 0, phase=phase)
    for signal in (
        signals.STATUS,
        signals.CONTENT_LENGTH,
        signals.BODY_LENGTH,
        signals.REDIRECTS,
        signals.SSL,
        signals.VERSION,
        signals.FAILED_REGEX,
        signals.LOOKUP,
    ):
        record.sample(signal, 0)


@contextmanager
def _written_down(
    client: "FreshHttpClient", connector: Connector, record: Recorder
) -> Iterator[None]:
    """Whatever becomes of the request, what was measured of it is written down."""
    timing = client.timing
    try:
        yield
    finally:
        timing.leave()
        for phase, seconds in timing.phases.items():
            record.sample(signals.DURATION, seconds, phase=phase)
            record.add_phase(phase, seconds)
        if timing.lookup is not None:
            record.sample(signals.LOOKUP, timing.lookup)
        write_address(connector.ip, record)
        write_tls(connector, record)
        record.facts.update(client.tls.facts)


def _name_in(header: str | None) -> str | None:
    """The name of a Host header: an address in the target has no certificate of its own."""
    return None if header is None else URL(f"//{header}").host


async def _request(
    table: ProbeTable, body: bytes, record: Recorder, client: "FreshHttpClient"
) -> None:
    settings = table.module.http
    address, method = URL(table.address.get_secret_value()), settings.method
    first = address.host
    redirects = 0
    while True:
        headers = headers_for(table, address, is_first=address.host == first, redirects=redirects)
        async with client.request(method, address, headers=headers, body=body) as answer:
            page = Response(answer, address, redirects)
            _write_head(page, record)
            following = redirect_target(page) if settings.follows else None
            if following is None:
                await _judge(table, page, record, client)
                return
            status = answer.status
        if redirects == settings.max_redirects:
            message = f"more than {settings.max_redirects} redirects in a row"
            raise CheckFailed(Cause.TOO_MANY_REDIRECTS, message, phase=REDIRECT)
        if status not in _REPEATED:
            # RFC 9110, 15.4: what browsers and Go do after 301, 302 and 303.
            method, body = ("HEAD" if method == "HEAD" else "GET"), b""
        address, redirects = following, redirects + 1


def _write_head(page: Response, record: Recorder) -> None:
    record.sample(signals.STATUS, page.response.status)
    record.sample(signals.REDIRECTS, page.redirects)
    record.sample(signals.SSL, page.url.scheme == "https")
    record.sample(signals.VERSION, float(".".join(str(part) for part in page.response.version)))
    length = page.response.headers.get("Content-Length", "")
    is_number = length.isascii() and length.isdigit() and len(length) < 16
    record.sample(signals.CONTENT_LENGTH, float(length) if is_number else -1)
    try:
        modified = parsedate_to_datetime(page.response.headers["Last-Modified"])
        record.sample(signals.LAST_MODIFIED, modified.timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return


async def _judge(
    table: ProbeTable, page: Response, record: Recorder, client: "FreshHttpClient"
) -> None:
    settings = table.module.http
    body = await _body(settings, page, record, client)
    status = page.response.status
    accepted = settings.valid_status_codes or range(200, 300)
    if not settings.accept_any_response and status not in accepted:
        message = f"{page.url.host_port_subcomponent or ''} answers {status}"
        raise status_error(status, message, phase="status", credential=_has_login(settings))
    _judge_headers(settings, page, record)
    _judge_body(settings, body, record)
    _judge_connection(settings, page)


async def _body(
    settings: HttpProbe, page: Response, record: Recorder, client: "FreshHttpClient"
) -> bytes:
    if settings.method == "HEAD":
        client.timing.leave()
        return b""
    if settings.judges_body or settings.body_size_limit:
        body = await client.read(page, settings.largest_body)
        record.sample(signals.BODY_LENGTH, len(body))
        return body
    length = await client.skim(page, UNJUDGED)
    record.sample(signals.BODY_LENGTH, UNJUDGED if length is None else length)
    return b""


def _has_login(settings: HttpProbe) -> bool:
    return any(
        (settings.basic_auth, settings.authorization, settings.bearer_token, settings.credentials)
    )


def _judge_headers(settings: HttpProbe, page: Response, record: Recorder) -> None:
    wrong = [
        *_matching(settings.fail_if_header_matches, page.response.headers.getall, bad=True),
        *_matching(settings.fail_if_header_not_matches, page.response.headers.getall, bad=False),
    ]
    if wrong:
        record.sample(signals.FAILED_REGEX, 1)
        raise CheckFailed(Cause.BODY_INVALID, wrong[0], phase="headers")


def _matching(patterns: Sequence[HeaderPattern], values: object, *, bad: bool) -> Iterator[str]:
    """What is wrong by ``fail_if_header_matches`` (``bad``) or ``…_not_matches``."""
    for each in patterns:
        found: list[str] = values(each.header, [])  # type: ignore[operator]
        if not found:
            if not each.allow_missing:
                yield f"the header {each.header} is missing"
            continue
        matches = any(each.regexp.search(value) for value in found)
        if matches == bad:
            verb = "matches" if bad else "does not match"
            yield f"the header {each.header} {verb} the regular expression"


def _judge_body(settings: HttpProbe, body: bytes, record: Recorder) -> None:
    text = body.decode("utf-8", "replace") if settings.judges_body else ""
    wrong = [
        *(
            "the body matches a regular expression that it must not match"
            for each in settings.fail_if_body_matches_regexp
            if each.search(text)
        ),
        *(
            "the body does not match a regular expression that it has to match"
            for each in settings.fail_if_body_not_matches_regexp
            if not each.search(text)
        ),
    ]
    if wrong:
        record.sample(signals.FAILED_REGEX, 1)
        raise CheckFailed(Cause.BODY_INVALID, wrong[0], phase="body")


def _judge_connection(settings: HttpProbe, page: Response) -> None:
    is_tls = page.url.scheme == "https"
    if settings.fail_if_ssl and is_tls:
        raise CheckFailed(Cause.PROTOCOL_ERROR, "the final answer came over TLS", phase="tls")
    if settings.fail_if_not_ssl and not is_tls:
        raise CheckFailed(Cause.TLS_FAILED, "the final answer came without TLS", phase="tls")
    major, minor = page.response.version
    names = {f"HTTP/{major}.{minor}", *([f"HTTP/{major}"] if major > 1 else [])}
    if settings.valid_http_versions and not names & set(settings.valid_http_versions):
        message = f"it answers by HTTP/{major}.{minor}"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message, phase="version")


def _load() -> None:
    import probe.net.http  # noqa: F401


KIND = prober(
    "http",
    run,
    "a request as the module describes it",
    (
        *signals.ADDRESS_SIGNALS,
        *signals.TLS_SIGNALS,
        signals.STATUS,
        signals.DURATION,
        signals.CONTENT_LENGTH,
        signals.BODY_LENGTH,
        signals.REDIRECTS,
        signals.SSL,
        signals.VERSION,
        signals.LAST_MODIFIED,
        signals.FAILED_REGEX,
    ),
    _load,
)
