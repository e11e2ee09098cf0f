"""Several probes in one process on a clock that a test moves: who sees what, who is notified.

Everything that judges is real; packets, Slack and the pager are lists.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from alerts.cluster.cluster import SUSPECTED_INTERVAL_SECONDS, Cluster
from alerts.cluster.cluster_groups import query_for
from alerts.cluster.membership.client import InvalidAnswer
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import read_query
from alerts.cluster.protocol.responder import LocalState
from alerts.config import AlertingConfig
from alerts.model import Message, MessageType, Severity
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.pipeline import Pipeline
from probe.core.model import FailurePolicy, Result, Status, Verdict
from tests.fake_kind import result_of, toy, toy_kind

REGIONS = ("lax", "fra", "nrt")
CHAT = Route("chat", frozenset(Severity), REPEAT_INTERVAL_SECONDS)
PAGER = Route("pager", frozenset({Severity.CRITICAL}), REPEAT_INTERVAL_SECONDS, deduplicates=True)
HOLD, INTERVAL = 30.0, 10.0
GROUP = "paircam.live"
CHECK = toy(
    "health",
    toy_kind(failing=FailurePolicy(Verdict.CRITICAL, hold=HOLD)),
    interval=INTERVAL,
    retry=5,
)


@dataclass
class Town:
    """The world outside: what is broken, who can't be reached, and what was sent.

    ``regions`` are the members in their order, ``down`` those that can't use the target,
    ``apart`` pairs of regions that don't hear each other, ``probes`` those that run. ``chat`` and
    ``pages`` have (second, region, message), ``incidents`` are the pager's open ones. ``edits``:
    the chat changes what it was sent.
    """

    regions: tuple[str, ...] = REGIONS
    down: set[str] = field(default_factory=set)
    apart: set[frozenset[str]] = field(default_factory=set)
    probes: dict[str, "Probe"] = field(default_factory=dict)
    now: float = 0.0
    chat: list[tuple[float, str, Message]] = field(default_factory=list)
    pages: list[tuple[float, str, Message]] = field(default_factory=list)
    incidents: dict[str, float] = field(default_factory=dict)
    opened: int = 0
    edits: bool = False

    def take(self, region: str, notifier: str, message: Message) -> None:
        """A notification is sent."""
        if message.quiet and not self.edits:
            return
        if notifier == "chat":
            self.chat.append((self.now, region, message))
            return
        if message.occasion is MessageType.RESOLVED:
            self.incidents.pop(message.key, None)
        elif message.occasion is not MessageType.REMINDER:
            self.pages.append((self.now, region, message))
            self.opened += message.key not in self.incidents
            self.incidents.setdefault(message.key, self.now)

    def headlines(self) -> list[str]:
        """What stands in the chat."""
        return [f"{each.occasion}: {each.title}" for _, _, each in self.chat]


class Probe:
    """One probe: the parts of alerting that judge, and what it keeps on its disk."""

    def __init__(self, town: Town, region: str, stored: dict[str, str] | None = None) -> None:
        self.town, self.region = town, region
        self.stored = dict(stored or {})
        # Its own idea of what time it is.
        self._offset = 1e6 * (1 + town.regions.index(region))
        entries = tuple(f"http://{each}:9091" for each in town.regions)
        plan = PeersPlan(entries, SecretStr("0f-all-three-pr0bes"))
        self.cluster = Cluster(plan, region, now=self.now, run_soon=self._hasten, post=self._post)
        self.pipeline = Pipeline(AlertingConfig(region, routes=[CHAT, PAGER]), self.cluster)
        self.pipeline.restore(self.stored)
        self.pipeline.set_checks([CHECK], self.now())
        self.pipeline.groups["health"] = GROUP
        self._due = town.now + 1 + 3 * town.regions.index(region)
        self._asks = town.now

    def now(self) -> float:
        """Its clock."""
        return self.town.now + self._offset

    async def live(self) -> None:
        """Do what is to be done in this second."""
        if self.town.now >= self._due:
            self._look()
        group_store = self.pipeline.group_store
        suspected = self.pipeline.alerts.suspected(self.now())
        query_for(
            self.cluster,
            suspected,
            group_store.views,
            (),
            self.pipeline.groups,
            self.pipeline.unknown.groups,
            group_store.ended,
        )
        if self.town.now >= self._asks or self.cluster.query_now.is_set():
            self.cluster.query_now.clear()
            await self.cluster.query_members()
            self._asks = self.town.now + SUSPECTED_INTERVAL_SECONDS
        self._settle()

    def _look(self) -> None:
        failed = self.region in self.town.down
        self._due = self.town.now + (CHECK.retry if failed else CHECK.interval)
        result: Result = result_of("health", Status.FAILED if failed else Status.OK)
        self.pipeline.handle_result(CHECK, result, (), self.now(), backed_up=False)

    def _settle(self) -> None:
        found = self.pipeline.flush(self.now())
        for delivery in found.deliveries:
            self.town.take(self.region, delivery.notifier, delivery.message)
            self.pipeline.delivered(delivery)
        for name, text in found.documents.items():
            if text is None:
                self.stored.pop(name, None)
            else:
                self.stored[name] = text
        for name in self.pipeline.checks_to_run():
            self._hasten(name)

    def _hasten(self, check: str) -> None:
        self._due = min(self._due, self.town.now)

    async def _post(self, url: str, query: bytes, token: str) -> bytes:
        region = urlsplit(url).hostname or ""
        other = self.town.probes.get(region)
        if other is None or frozenset({region, self.region}) in self.town.apart:
            raise InvalidAnswer("not there")
        group_store = other.pipeline.group_store
        ids = other.pipeline.recorder.open_ids
        own = LocalState({"health": GROUP}, group_store.views, {}, group_store.ended, incidents=ids)
        return other.cluster.answer(read_query(query), own, own_network_fails=False)


class Village:
    """A town and its probes: those in ``regions`` run, of all ``members``."""

    def __init__(
        self, regions: Iterable[str] = REGIONS, members: tuple[str, ...] = REGIONS
    ) -> None:
        self.town = Town(members)
        self.probes = self.town.probes
        self._disks: dict[str, dict[str, str]] = {}
        for region in regions:
            self.start(region)

    def start(self, region: str, *, empty: bool = False) -> None:
        """Start a probe with what it kept, if it doesn't run."""
        if region not in self.probes:
            stored = {} if empty else self._disks.get(region)
            self.probes[region] = Probe(self.town, region, stored)

    def kill(self, region: str) -> None:
        """A probe is no more; its disk stays."""
        if region in self.probes:
            self._disks[region] = self.probes.pop(region).stored

    def pass_(self, seconds: int) -> None:
        """Let time pass, second by second."""

        async def live() -> None:
            for _ in range(seconds):
                self.town.now += 1.0
                for probe in [*self.probes.values()]:
                    await probe.live()

        asyncio.run(live())
