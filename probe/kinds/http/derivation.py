"""The checks of pages that follow from the environment."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from yarl import URL

from probe.core.environment import Environment
from probe.core.kind import DerivedChecks
from probe.net.address.ranges import is_inside
from probe.net.fetch import cors
from probe.net.urls import BaseUrl, CaFile, check_http_url, split_urls

# A first page without what it loads, uncompressed, and a TLS handshake: rather too much.
PAGE_BYTES = 50_000

# By which a page gets its token and its relays.
PREFLIGHTS = (
    "POST /auth/token content-type",
    "POST /turn/credentials authorization,content-type",
)

# What a page asks the backend by HTTP; a WebSocket that is blocked leaves its session on polling.
PATHS = ("/auth/token", "/turn/credentials", "/socket.io/")

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
    cors_origins: str | None = Field(default=None, alias="CORS_ORIGINS")
    """Origins that the backend allows, separated by commas. Without FRONTEND_URL the first one is
    the page's origin, which browsers send and the backend has to allow. Example:
    `https://paircam.live`"""
    references: str | None = Field(default=None, alias="PROBE_REFERENCES")
    """At least two addresses unrelated to the target. While every one of them fails, the probe's
    own network is at fault and no alert fires. Example:
    `https://www.example.org,https://www.example.net`"""

    @property
    def origin(self) -> str | None:
        """Where the application's pages are served from."""
        frontend = self.frontend_url.get_secret_value() if self.frontend_url else None
        return cors.first_origin(frontend, self.cors_origins)

    @field_validator("references")
    @classmethod
    def _two_at_least(cls, value: str | None) -> str | None:
        addresses = split_urls(value)
        for address in addresses:
            check_http_url(address)
        if len(addresses) == 1:
            raise ValueError("one alone proves nothing: name at least two, unrelated to the target")
        return value


def derive(environment: HttpEnvironment) -> DerivedChecks:
    """Health and readiness of the backend, and the frontend's first page."""
    tables: list[dict[str, Any]] = []
    skipped: list[str] = []
    if environment.backend_url is None:
        skipped.append("BACKEND_URL is not set")
    else:
        backend = environment.backend_url.get_secret_value()
        # "Down for more than 30 s" needs three runs in that time, each over before the next.
        health_: dict[str, Any] = {"name": "health", "interval": 10.0, "deadline": 8.0}
        health_ |= {"url": f"{backend}/health", "body": "health"}
        tables.append({**health_, **_cors_of(environment, backend)})
        ready: dict[str, Any] = {"name": "ready", "url": f"{backend}/health/ready", "body": "ready"}
        if crossing := _cors_of(environment, backend):
            ready |= {**crossing, "cors_preflight": PREFLIGHTS}
        tables.append(ready)
    if environment.frontend_url is None:
        skipped.append("FRONTEND_URL is not set")
    else:
        url = environment.frontend_url.get_secret_value()
        frontend: dict[str, Any] = {"name": "frontend", "url": url, "status": (HTTPStatus.OK,)}
        if environment.backend_url is not None:  # else it is any page
            frontend |= {"video_calls": True, "connects_to": _connections(environment, url)}
        tables.append({**frontend, "vercel_bytes": _vercel_bytes(environment, url)})
    for number, url in enumerate(split_urls(environment.references), 1):
        tables.append({**REFERENCE, "name": f"reference-{number}", "url": url})
    return DerivedChecks(tables, skipped, {"ca_file": environment.ca_file})


def _vercel_bytes(environment: HttpEnvironment, url: str) -> int:
    """What a run takes from a plan at Vercel, where the application has its pages. A page that
    stands alone is any page, unless its name says that it is there."""
    host = urlsplit(url).hostname or ""
    at_vercel = environment.backend_url is not None or host.endswith(".vercel.app")
    return PAGE_BYTES if at_vercel else 0


def _connections(environment: HttpEnvironment, page: str) -> tuple[str, ...]:
    """Where the page's scripts connect to by HTTP; none where they may know another address of the
    backend than the operator, who asks from within what users reach by TLS."""
    if environment.backend_url is None:
        return ()
    backend = URL(environment.backend_url.get_secret_value()).with_user(None)
    if is_inside(backend.host or "") != is_inside(URL(page).host or ""):
        return ()
    if URL(page).scheme == "https" and backend.scheme == "http":
        if backend.port != 80:
            return ()
        backend = backend.with_scheme("https").with_port(None)
    return tuple(f"{backend}".rstrip("/") + path for path in PATHS)


def _cors_of(environment: HttpEnvironment, backend: str) -> dict[str, Any]:
    """The frontend's origin, where its pages are served from elsewhere than the backend."""
    origin = environment.origin
    return {"cors_origin": origin} if cors.is_cross_origin(backend, origin) else {}
