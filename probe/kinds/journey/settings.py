"""The keys and variables of ``journey``."""

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from probe.core.field_types import Seconds
from probe.core.kind import CheckConfig, DerivedChecks
from probe.core.model import Impact
from probe.net.fetch import cors
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.paircam import DEFAULT_EXPIRATION, BackendEnvironment, Duration
from probe.paircam.journey_variable import JourneyVariable
from probe.turn_targets.traffic_budget import CALL_ECHOES, echo_seconds

if TYPE_CHECKING:
    from probe.net.engineio.session import Site


class JourneyTable(CheckConfig):
    """The backend that brings the two together, and how far they go."""

    url: BaseUrl
    """Base URL of the backend that matches the two users. Example: `https://paircam.live`"""
    jwt_secret: SecretStr | None = None
    """Key that tokens are minted with; without it both tokens are requested from the backend."""
    jwt_expiration: Duration = DEFAULT_EXPIRATION
    ca_file: CaFile | None = None
    origin: cors.Origin | None = None
    """Origin of the page that gets tokens, relays and sessions of the backend, which has to allow
    it; by default that of FRONTEND_URL. Example: `https://paircam.live`"""
    region: str = ""
    """Where the probe runs; probes of several regions are different users. Example: `lax`"""
    echoes: int = Field(default=CALL_ECHOES, ge=1, le=1000)
    """Echo messages over the call's data channel. Example: `10`"""
    deadline: Seconds = Field(default=36.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `36`"""

    @property
    def needed_seconds(self) -> float:
        """Echoes."""
        return echo_seconds(self.echoes)

    @property
    def site(self) -> "Site":
        """Where Socket.IO listens, as a page of ``origin`` asks for it."""
        from probe.paircam.page_polls import site_for_page

        return site_for_page(self.url, self.origin)

    @property
    def target(self) -> str:
        return show_url(self.url.get_secret_value())

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("backend", "Users can't meet", "Users can't always meet")

    @property
    def alert_group(self) -> str:
        """The backend's host: without it there are no matches."""
        return show_host(self.url.get_secret_value())


class JourneyEnvironment(BackendEnvironment, JourneyVariable):
    """Where the backend is, and whether its queue may be joined."""

    title = "The user journey"
    region: str | None = Field(default=None, alias="PROBE_REGION")
    """Name of the region that the probe runs in, e.g. `lax`. Example: `lax`"""
    fly_region: str | None = Field(default=None, alias="FLY_REGION")
    """Region on Fly.io, set by Fly; used where `PROBE_REGION` is not set. Example: `lax`"""


def derive(environment: JourneyEnvironment) -> DerivedChecks:
    """Nothing unless it is asked for; a table of ``probe.toml`` asks for it as well."""
    defaults = {
        "url": environment.backend_url,
        "jwt_secret": environment.jwt_secret,
        "jwt_expiration": environment.jwt_expiration,
        "ca_file": environment.ca_file,
        "origin": environment.origin,
        "region": environment.region or environment.fly_region,
    }
    defaults = {name: value for name, value in defaults.items() if value is not None}
    if environment.backend_url is None:
        return DerivedChecks(skipped=("BACKEND_URL is not set",), defaults=defaults)
    if not environment.journey:
        reason = "PROBE_JOURNEY is not true: the application's queue is not joined unasked"
        return DerivedChecks(skipped=(reason,), defaults=defaults)
    return DerivedChecks(tables=({"name": "journey"},), defaults=defaults)
