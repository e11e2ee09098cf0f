"""Who may read the pages: basic auth or a bearer token, both optional."""

import base64
import binascii
import hmac
import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from msgspec import Struct, field
from pydantic import SecretStr

from probe.diagnostics.repeated_errors import LogRate
from probe.report.text.sanitize import clean
from probe.web.browsers.hosts import OwnHosts, host_name
from probe.web.logins import RETRY_SECONDS, WrongLogins
from probe.web.security import WebSecurity

logger = logging.getLogger(__name__)

# Health endpoints, which load balancers request without a password.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/-/healthy"})
METRICS_PATH = "/metrics"
# Runs of its own, bounded by the exporter.
PROBE_PATH = "/probe"
# Protected by a token of their own.
API_PATH = "/api/"
PEER_PATH, CALL_PATH = "/peer/verdicts", "/peer"
_BASIC = 'Basic realm="probe", charset="UTF-8"'
PEER_PATHS = frozenset({PEER_PATH, CALL_PATH})
_NOT_OURS = (
    "{name} is not known as a name of this probe: set PROBE_PUBLIC_URL or PROBE_ALLOWED_HOSTS, "
    "use https, or the address"
)


class Access(Struct, frozen=True):
    """Credentials for the pages; without user and token they are public. ``metrics_open`` leaves
    /metrics public, for a scraper that can't log in; ``api_token`` opens the API alone;
    ``open_paths`` are those of the public status page."""

    user: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    metrics_open: bool = False
    api_token: SecretStr | None = None
    open_paths: frozenset[str] = frozenset()
    hosts: OwnHosts = field(default_factory=OwnHosts)

    def is_public(self, path: str) -> bool:
        """Whether a page is for everyone, or has a token of its own."""
        return path in OPEN_PATHS or path in PEER_PATHS or path in self.open_paths

    def allows(self, path: str, authorization: str | None, *, users: bool = False) -> bool:
        """Whether a request with this Authorization header may have this page (RFC 7617,
        RFC 6750). ``users``: there are others who have a password."""
        if self.is_public(path) or (self.metrics_open and path == METRICS_PATH):
            return True
        if self.user is None and self.token is None and not users:
            return True
        scheme, _, given = (authorization or "").partition(" ")
        match scheme.lower():
            case "basic":
                return self._knows_login(given.strip())
            case "bearer":
                return self._knows_token(path, given.strip())
            case _:
                return False

    def _knows_login(self, given: str) -> bool:
        if self.user is None or self.password is None:
            return False
        try:
            text = base64.b64decode(given, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return False
        return _same(text, f"{self.user}:{_text(self.password)}")

    def _knows_token(self, path: str, given: str) -> bool:
        tokens = [self.token, self.api_token if path.startswith(API_PATH) else None]
        # Each is compared, so that the time says nothing.
        return sum(_same(given, _text(token)) for token in tokens if token is not None) > 0

    @property
    def is_protected(self) -> bool:
        """Whether the pages need a token or a login."""
        return self.user is not None or self.token is not None

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate header of a 401."""
        return _BASIC if self.user else 'Bearer realm="probe"'


def guard(
    access: Access, wrong: WrongLogins | None = None, security: WebSecurity | None = None
) -> Middleware:
    """A middleware that answers 401 without valid credentials, and 429 after too many wrong logins.
    The users of ``security`` are accepted as well as those of ``access``."""
    wrong, security, rate = wrong or WrongLogins(), security or WebSecurity(), LogRate()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Of two, a proxy in front may have judged the other one.
        fields = request.headers.getall("Authorization", [])
        given, address = ", ".join(fields) if fields else None, request.remote or ""
        if access.allows(request.path, None, users=security.has_users):
            # What no login protects is read by no page of a stranger either.
            is_bare = not (access.is_public(request.path) or request.secure)
            if is_bare and access.hosts.is_rebound(request.headers):
                return _misdirected(request, rate)
            return await handler(request)
        if given is not None and not wrong.may_try(address):
            wrong.failed(address)
            headers = {"Retry-After": str(RETRY_SECONDS)}
            return web.Response(status=429, text="Too many wrong logins\n", headers=headers)
        if access.allows(request.path, given, users=True) or await security.knows(given):
            return await handler(request)
        if given is not None:
            wrong.failed(address)
        challenge = _BASIC if security.has_users else access.challenge
        headers = {"WWW-Authenticate": challenge}
        return web.Response(status=401, text="Unauthorized\n", headers=headers)

    return middleware


def _misdirected(request: web.Request, rate: LogRate) -> web.Response:
    """421 (RFC 9110, 15.5.20), and a log line in a minute."""
    text = _NOT_OURS.format(name=clean(host_name(request.headers.get("Host", "")))[:100] or "''")
    if rate.allows("host"):
        more = rate.held_back("host")
        logger.warning("a browser was refused: %s (%d more in the last minute)", text, more)
    return web.Response(status=421, text=f"{text}\n")


def _same(given: str, right: str) -> bool:
    """In constant time; compare_digest takes text beyond ASCII as bytes only. A header's
    bytes beyond UTF-8 arrive as surrogates."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()
