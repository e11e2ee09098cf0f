"""What an http check is configured with."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from probe.core.field_types import Bytes
from probe.core.kind import CheckConfig
from probe.core.model import Impact, Result
from probe.net.fetch import cors
from probe.net.urls import CaFile, Connection, HttpUrl, show_host, show_url
from probe.paircam import health
from probe.paircam.triggers import BACKEND, of_backend, of_services, of_signaling

# Some servers answer with codes beyond those of RFC 9110, such as 999.
StatusCode = Annotated[int, Field(ge=100, le=999)]


class HttpTable(CheckConfig):
    """One page: its address, what is accepted, and what is expected beyond that.

    ``status`` lists accepted codes; None is any 2xx. ``body`` is how it is judged.
    ``expect_new_instance`` is the instance that must not answer any more. ``vercel_bytes`` is
    what a run is taken to cost of Vercel's transfer, handshake included; 0: it isn't there.
    ``cors_origin`` is the origin whose pages must be able to read the answer.
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
    status: tuple[StatusCode, ...] | None = Field(default=None, min_length=1)
    """Accepted status codes; any 2xx without it. Example: `[200, 204]`"""
    follow_redirects: bool = True
    """Whether redirects are followed, and pages that lead elsewhere by themselves. Example:
    `false`"""
    max_redirects: int = Field(default=19, ge=0, le=50)
    """With more redirects than this the run fails with `too_many_redirects`; by default as many as
    Chromium follows. Example: `10`"""
    max_body_bytes: Bytes = Field(default=1 << 20, ge=1)
    """A larger body fails the run with `body_too_large`, if it is judged or this is set; else no
    more than this is read."""
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
    cors_origin: cors.Origin | None = None
    """Origin whose pages have to be able to read the answer: else the run fails with
    `cors_rejected`. Example: `https://paircam.live`"""
    cors_credentials: bool = False
    """Whether those pages send cookies along, which CORS then has to allow. Example: `true`"""
    cors_preflight: tuple[cors.PreflightText, ...] = ()
    """Requests that those pages make, by method, path and headers that need permission: each has
    to be permitted by a preflight. Example: `["POST /auth/token content-type"]`"""
    video_calls: bool = False
    """Whether users call on this page: it fails where a browser does not show it as a page, keeps
    camera or microphone from it (`permissions_policy_blocked`, `insecure_context`), or lets its
    scripts not run (`csp_blocked`). Example: `true`"""
    connects_to: tuple[Connection, ...] = ()
    """Addresses that the scripts of such a page connect to, by `https:` or `wss:`: fails where the
    browser does not let them (`csp_blocked`, `mixed_content_blocked`). Example:
    `["https://api.example.org/socket.io/"]`"""
    reference: bool = False
    """A reference target: its failures say that the probe's own network is down. Example: `true`"""
    vercel_bytes: Bytes = Field(default=0, ge=0)
    """Transfer that one run takes from a Vercel plan; 0 for a page elsewhere. Example: `50000`"""

    @model_validator(mode="after")
    def _expectations_fit_body(self) -> Self:
        if self.body == "any" and (self.expect_version or self.expect_new_instance):
            raise ValueError('expectations of version or instance need body = "health" or "json"')
        return self

    @property
    def judges_body(self) -> bool:
        """Whether anything is expected of the body: else it needn't be read to its end."""
        limited = "max_body_bytes" in self.model_fields_set
        return limited or self.body != "any" or self.contains is not None

    @property
    def follows_refreshes(self) -> bool:
        """Whether it is a page of users, whoever has its content: where that is judged, or a script
        asks, this page is meant and no other."""
        return self.follow_redirects and not self.judges_body and self.cors_origin is None

    @property
    def needs_elements(self) -> bool:
        """Whether what the page holds is looked at."""
        return self.follows_refreshes or self.video_calls

    @property
    def followed_redirects(self) -> int | None:
        """So many at most, None for none; by default a script of a page follows one more."""
        if not self.follow_redirects:
            return None
        is_ours = "max_redirects" not in self.model_fields_set
        return self.max_redirects + (is_ours and self.cors_origin is not None)

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
        if "frontend" in self.name.split("-"):
            return Impact(self.name, "The frontend is down", "The frontend is degraded")
        return Impact(self.name)

    @property
    def component(self) -> str:
        """What its alerts are named after."""
        if self.body in ("health", "ready"):
            return "Backend"
        return "Frontend" if "frontend" in self.name.split("-") else "HttpTarget"

    @property
    def own_service(self) -> str | None:
        """A page is a service of its own."""
        return self.service or (None if self.body == "health" else self.name)

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
        return self.triggers | self.blames(result)

    def blames(self, result: Result) -> frozenset[str]:
        """The services that a backend names as down."""
        down = result.facts.get(health.DOWN, "")
        return of_services(down.split(", ")) if self.triggers else frozenset()

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
