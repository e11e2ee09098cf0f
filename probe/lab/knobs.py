"""Failures and slowness on demand: what the lab's servers do wrong on request.

Every field may be changed while its server runs and holds for whatever comes next.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass
class TurnKnobs:
    """How a `LabTurnServer` misbehaves; as it is made, it does not.

    A *relayed packet* is data on its way between a client and a peer. From one relayed
    address to another of the same server it is one packet, not two.
    """

    error: int | None = None
    """Answer this error code: 403 to CreatePermission and ChannelBind; 438 to every
    authenticated request, so that trying again does not help; any other (400, 401, 486,
    500, 508) to authenticated Allocates. What exists already goes on working."""

    silent: bool = False
    """Receive and never answer; nothing is relayed either. TCP and TLS connections are
    still accepted."""

    close_on_connect: bool = False
    """Close TCP connections once they are open, TLS ones after the handshake."""

    delay: float = 0.0
    """Seconds added between client and server, each way: the round trip grows by twice
    this, from one client through two relayed addresses to another by twice this as well.
    The order of packets stays. TCP and TLS handshakes take no longer."""

    jitter: float = 0.0
    """Up to so many seconds more for each relayed packet, evenly distributed. The order of
    packets stays, so a late one holds up the next."""

    loss: float = 0.0
    """Share of relayed packets that are dropped, 0 to 1."""

    seed: int = 0
    """Decides which packets `loss` drops and how long `jitter` holds them; a new value
    starts the sequence anew."""

    hairpin: bool = True
    """False: packets from one relayed address to another of this server vanish, all others
    are relayed."""

    quota: int | None = None
    """Most live allocations for one username; further ones are refused with 486."""

    relayed_address: str | None = None
    """IPv4 address to advertise instead of the real one, such as a private one or
    192.0.2.1; nothing is relayed there. Holds for new allocations."""

    drop_after: int | None = None
    """Forget all allocations when so many packets have been relayed, counted from when
    this is set. It goes back to None then."""

    tls_stall: bool = False
    """Accept connections on the TLS port and never begin the handshake."""

    garbage: bool = False
    """Answer every request with random bytes."""


Service = Literal["up", "down", "hangs"]


@dataclass
class BackendKnobs:
    """How the lab's `Backend` misbehaves; as it is made, it does not."""

    status: int = 200
    """Status code of `/health` and `/health/ready`."""

    postgres: Service = "up"
    """`down`: 200 and `degraded` at once; `hangs`: `/health` hangs with it."""

    redis: Service = "up"
    """`down`: `/health` is degraded, and Socket.IO sessions connect and nothing follows, while
    tokens are still issued; `hangs`: `/health` hangs with it as well."""

    pubsub: Service = "up"
    """`down`: 200 and `degraded`; `hangs`: `/health` hangs with it."""

    body: Literal["json", "invalid", "empty", "endless", "list"] = "json"
    """What `/health` and `/health/ready` answer instead of their report."""

    redirect: Literal["none", "once", "loop"] = "none"
    """Redirect `/health`: once to its answer, or in a circle."""

    latency: float = 0.0
    """Seconds before any HTTP request is answered."""

    silent: bool = False
    """Accept connections and never answer a request."""

    drop: bool = False
    """Close the connection instead of answering."""

    rate_limited: bool = False
    """Answer 429 to everything."""

    limits: bool = True
    """Keep the rate limits of HTTP requests for each address: 10/s, 50 per 10 s, 200/min."""

    token: Literal["ok", "refused", "rate_limited", "invalid"] = "ok"
    """`/auth/token` answers 201, 401, 429, or what is no JSON."""

    signaling: Literal["ok", "refuses", "silent", "garbage", "drops", "no_reply", "off"] = "ok"
    """Socket.IO: `refuses` disconnects after connecting, `silent` never says `connected`,
    `garbage` speaks no engine.io, `drops` disconnects at the first `leave-queue`, `no_reply`
    never answers it, `off` is a 404."""

    signaling_latency: float = 0.0
    """Seconds before any event of Socket.IO is answered."""

    match: Literal["ok", "never", "anyone", "lost", "ends", "refused", "unknown"] = "ok"
    """The queue: `refused` answers joins with `error` and `unknown` with `exception`, `never`
    matches no user, `anyone` matches across queues and languages, `lost`
    forgets a session as soon as both users have it, `ends` ends it with the answer."""

    second_match: float = 0.0
    """Seconds from the first `matched` to the second, which has another session."""

    credentials: Literal["ok", "expired", "wrong", "refused", "empty"] = "ok"
    """`/turn/credentials`: expired user name, password of another secret, 401, no URLs."""

    version: str = "1.0.0"
    """What `/health` says as `version`."""

    instance: str = "lab-1"
    """What `/health` says as `instance.id`."""

    uptime: float | None = None
    """Seconds that `/health` says as `uptime`; none: the real ones."""

    clock_offset: float = 0.0
    """Seconds by which the clock that `/health` shows is ahead."""

    channels: int = 3
    """What `/health` says as `instance.subscribedChannels`."""

    gauges: Literal["counted", "unwired"] = "counted"
    """`unwired`: the gauges of `/metrics` read 0 whoever is connected."""

    metrics: Literal["empty", "filled"] = "empty"
    """`filled`: the connection, error and request families of `/metrics` have samples, which
    rise as if there were users."""

    relayed_share: float = 0.1
    """Of these users' connections, how many are relayed."""

    failed_share: float = 0.01
    """Of their attempts to connect, how many fail."""

    error_share: float = 0.0
    """Of their requests, how many end with a 500."""

    request_seconds: float = 0.05
    """How long their requests take."""

    memory: float = 120e6
    """Bytes that `/health` says as `memory.rss`."""

    hsts: bool = True
    """Send Strict-Transport-Security of 365 days."""

    cors_open: bool = False
    """Allow every origin."""
