"""HTTPS, security headers and CORS of one page."""

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.kinds.security.findings import MAX_NAMES, Findings
from probe.kinds.security.requests import SecurityReply, get
from probe.kinds.security.settings import SecurityTable
from probe.kinds.security.signals import DAY
from probe.net.address.strict_transport import HEADER, read_policy
from probe.net.fetch.security_headers import FOREIGN_ORIGIN, http_url
from probe.untrusted.text import listed

HSTS_SECONDS = 365 * DAY
_REDIRECTS = (301, 302, 303, 307, 308)
_ALLOW, _CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
# Nothing listens on port 80, or refuses to talk: no page comes from there.
_CLOSED = (
    Cause.CONNECT_REFUSED,
    Cause.CONNECT_FAILED,
    Cause.CONNECTION_CLOSED,
    Cause.DEADLINE,
    Cause.PROTOCOL_ERROR,
)
_HSTS_FIX = "Send Strict-Transport-Security: max-age=31536000; includeSubDomains over HTTPS."
_FIXES = {
    "x-content-type-options": "Send X-Content-Type-Options: nosniff.",
    "content-security-policy": "Send a Content-Security-Policy with frame-ancestors (W3C CSP 3).",
    "referrer-policy": "Send Referrer-Policy: strict-origin-when-cross-origin.",
}


async def https(table: SecurityTable, found: Findings, context: Context) -> None:
    """Plain HTTP leads to HTTPS, and browsers stay there for a year."""
    address = table.address
    given = table.plain_page
    plain = http_url(address if given is None else given.get_secret_value())
    try:
        reply = await get(table, context, str(plain))
    except CheckAborted as error:
        if error.cause not in _CLOSED:
            raise
        found.passed("redirect", "nothing answers over plain HTTP")
    else:
        _judge_redirect(reply, plain.host or "", found)
    if not address.startswith("https:"):
        evidence = "the address is configured as http://"
        found.failed("hsts", Cause.HTTPS_NOT_ENFORCED, evidence, _HSTS_FIX)
        return
    header = (await get(table, context, address)).first(HEADER)
    seconds = max_age(header)
    if not header:
        evidence = "no Strict-Transport-Security is sent"
    else:
        evidence = f"Strict-Transport-Security: max-age is {seconds / DAY:.4g} d"
    if seconds < HSTS_SECONDS:
        found.failed(
            "hsts",
            Cause.HTTPS_NOT_ENFORCED,
            f"{evidence}; needed is a max-age of {HSTS_SECONDS / DAY:g} d",
            _HSTS_FIX,
        )
    else:
        found.passed("hsts", evidence)


def _judge_redirect(reply: SecurityReply, host: str, found: Findings) -> None:
    location = reply.header("Location")
    if reply.status in _REDIRECTS and location.lower().startswith("https://"):
        found.passed("redirect", f"http://{host} redirects to HTTPS ({reply.status})")
        return
    evidence = f"http://{host} answers {reply.status} and does not redirect to HTTPS"
    if reply.status in _REDIRECTS:
        evidence = f"http://{host} redirects to {location[:80] or 'nowhere'}, not to HTTPS"
    found.failed("redirect", Cause.HTTPS_NOT_ENFORCED, evidence)


def max_age(header: str) -> float:
    """Seconds of Strict-Transport-Security; 0 without one that browsers take."""
    policy = read_policy(header)
    return policy.max_age if policy is not None else 0.0


async def headers(table: SecurityTable, found: Findings, context: Context) -> None:
    """The headers that tell a browser what it may do with a page."""
    reply = await get(table, context, table.address)
    for name in table.required_headers:
        value = reply.header(name)
        if not value and not _is_replaced(name, reply):
            fix = _FIXES.get(name.lower(), f"Send {name}.")
            found.failed(name.lower(), Cause.HEADER_MISSING, f"no {name} is sent", fix)
        elif name.lower() == "x-content-type-options" and value.lower() != "nosniff":
            evidence = f"X-Content-Type-Options is {value[:40]}, not nosniff"
            found.failed(name.lower(), Cause.HEADER_MISSING, evidence, _FIXES[name.lower()])
        else:
            found.passed(name.lower(), value or "replaced by X-Frame-Options")
    software = [name for name in ("X-Powered-By", "Server") if _names_version(reply.header(name))]
    if software:
        shown = [f"{name}: {reply.header(name)}" for name in software]
        found.passed("software", listed(shown, MAX_NAMES))


def _is_replaced(name: str, reply: SecurityReply) -> bool:
    """X-Frame-Options does the part of CSP's frame-ancestors that matters here."""
    return name.lower() == "content-security-policy" and bool(reply.header("X-Frame-Options"))


def _names_version(value: str) -> bool:
    return any(each.isdigit() for each in value)


async def origins(table: SecurityTable, found: Findings, context: Context) -> None:
    """Pages of the own origin may read answers, those of others may not."""
    own = table.own_origin
    if own is not None:
        reply = await get(table, context, table.address, headers={"Origin": own})
        allowed = reply.header(_ALLOW)
        if allowed in ("*", own):
            found.passed("own origin", f"{own} is allowed")
        else:
            evidence = f"browsers on {own} can't read it: {_ALLOW} is {allowed[:80] or 'not sent'}"
            found.failed("own origin", Cause.CORS_REJECTED, evidence)
    for item, origin in foreign_origins(own):
        reply = await get(table, context, table.address, headers={"Origin": origin})
        allowed = reply.header(_ALLOW)
        shared = allowed == origin or (allowed == "*" and item == "foreign origin")
        if not shared:
            found.passed(item, f"{origin} is refused")
            continue
        with_cookies = reply.header(_CREDENTIALS) == "true"
        evidence = f"{origin} is allowed ({_ALLOW}: {allowed})"
        evidence += ", with credentials" if with_cookies else ""
        found.failed(item, Cause.FOREIGN_ORIGIN_ALLOWED, evidence)


def foreign_origins(own: str | None) -> list[tuple[str, str]]:
    """Origins that no deployment allows on purpose: another, the opaque one, and those that a
    comparison of the own one's beginning or end lets in. Their names are reserved (RFC 6761)."""
    found = [("foreign origin", FOREIGN_ORIGIN), ("opaque origin", "null")]
    if own is not None and own.startswith("https://"):
        host = own.removeprefix("https://")
        found.append(("own origin as a beginning", f"{own.partition(':4')[0]}.invalid"))
        found.append(("own origin as an end", f"https://invalid-{host}"))
    return found
