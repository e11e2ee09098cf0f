"""What a peer check is configured with."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, InstanceOf, SecretStr

from probe.core.field_types import Seconds
from probe.core.model import Impact, Signal
from probe.net.address.peer_address import PeerEntries, PeerEntry
from probe.net.urls import HttpUrl, show_host
from probe.peer.address import base_url
from probe.stun.uri import TurnUri, parse_stun_url
from probe.telemetry.shared_signals import ICE_SUCCESS, TURN_SHARE
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.table import TurnServerConfig
from probe.turn_targets.traffic_budget import CALL_ECHOES, echo_seconds


class PeerEnvironment(TurnEnvironment):
    """The TURN servers, the other probes, and whether the application counts its calls."""

    title = "Application metrics"
    peers: PeerEntries = Field(default="", alias="PROBE_PEERS")
    """All probes, this one included, in the order in which they send notifications: addresses, or a
    name that resolves to all of them. Example: `paircam-probe.internal`"""
    peer_token: SecretStr | None = Field(default=None, alias="PROBE_PEER_TOKEN")
    """Shared token of all probes, at least 16 letters and digits. With it this probe answers calls
    and queries of others."""
    app_metrics: HttpUrl | None = Field(default=None, alias="APP_METRICS_URL")
    """The application's Prometheus endpoint. Example: `https://paircam.live/metrics`"""


def _read_stun(value: object) -> object:
    return parse_stun_url(value) if isinstance(value, str) else value


class PeerTable(TurnServerConfig):
    """One peer, called directly and through one server; without a server directly alone.

    ``peer`` is an address (``http://…``), or a name whose addresses are called in turn.
    ``stun`` is ``stun:HOST:PORT``. ``app_counts``: the application's own numbers are held
    against the limits on shares, not these. ``private``: whether addresses of private networks
    are offered and called; by default not where the peer's own name is one of a network that
    joins all machines (``.internal``), over which every call connects.
    """

    peer: PeerEntry
    """Address of the peer, or a name whose addresses are called in turn. Example:
    `https://probe.example.org`"""
    token: SecretStr
    """Token of the peer."""
    stun: Annotated[InstanceOf[TurnUri], BeforeValidator(_read_stun)] | None = None
    """STUN server for the direct call. Example: `stun:stun.example.org:3478`"""
    echoes: int = Field(default=CALL_ECHOES, ge=1, le=1000)
    """Echo messages over the data channel per call. Example: `10`"""
    app_counts: bool = False
    """Whether limits on shares apply to the application's own figures instead of the peers'.
    Example: `true`"""
    private: bool | None = None
    """Whether addresses of private networks are offered and called; the default depends on the
    peer's name. Example: `true`"""
    deadline: Seconds = Field(default=60.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `60`"""

    @property
    def needed_seconds(self) -> float:
        """Echoes."""
        return echo_seconds(self.echoes)

    @property
    def needs_server(self) -> bool:
        """Whether there is a relayed call."""
        return any((self.url, self.backend_url, self.metered_url))

    @property
    def base_url(self) -> str:
        """Where the peer's pages are."""
        return base_url(self.peer)

    @property
    def offers_private_addresses(self) -> bool:
        """Whether private addresses are offered, and called."""
        if self.private is not None:
            return self.private
        return not (urlsplit(self.base_url).hostname or "").endswith(".internal")

    @property
    def target(self) -> str:
        return show_host(self.base_url)

    @property
    def labels(self) -> dict[str, str]:
        """``provider`` and ``transport`` of the relayed call."""
        return super().labels if self.needs_server else {"provider": "none", "transport": "udp"}

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("calls", "Calls between regions fail", "Some calls between regions fail")

    @property
    def alert_group(self) -> str:
        return f"peer {show_host(self.base_url)}"

    @property
    def redundancy_group(self) -> str:
        """One way to one peer that works makes the failure of another a partial one."""
        return "peer"

    @property
    def triggered_by(self) -> frozenset[str]:
        """None: each call is work for another probe."""
        return frozenset()

    def applies_limits_to(self, signal: Signal) -> bool:
        """Of shares, the first source that is configured is held against the limits."""
        return not (self.app_counts and signal in (ICE_SUCCESS, TURN_SHARE))
