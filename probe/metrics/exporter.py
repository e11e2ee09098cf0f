"""Results → Prometheus.

A check's lines are written at the first scrape after its result: of a thousand checks
prometheus_client would take most of a second for that, in which nothing else could run, so
``Exporter.gather`` lets others run in between. What the two write is the same, byte for byte:
``tests/metrics/test_exporter.py`` compares them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from alerts.model import Alert
from probe.core.kind import Check
from probe.core.model import Evaluation, Result
from probe.metrics.check_metrics import CheckMetrics
from probe.metrics.families import Family, Pairs
from probe.metrics.judgement import OBJECTIVE, Links, by_check, no_links, objectives
from probe.metrics.text_format import acceptable, line_head, number_text

# So many checks are gathered before others may run; one whose lines are written is as costly as
# some that were written before.
GATHERED_TOGETHER, WRITTEN_AS = 50, 5

FamilyLines = tuple[Family, list[bytes]]


class Exporter(Collector):
    """All metrics of checks; for any registry, or faster by ``families``.

    ``repeats``: checks run periodically. For a one-shot run, counters and intervals are left out.
    ``full``: every histogram and every detail is exported too. ``alerts`` are what this region's
    alerting has firing, asked at every scrape; ``links`` gives the addresses of a runbook.
    """

    def __init__(
        self,
        *,
        region: str,
        clock: Callable[[], float] = time.monotonic,
        repeats: bool = True,
        full: bool = True,
        alerts: Callable[[], Iterable[Alert]] = tuple,
        links: Links = no_links,
    ) -> None:
        self._region, self._clock, self._repeats, self._full = region, clock, repeats, full
        self._alerts, self._links = alerts, links
        self._shares: list[tuple[Pairs, float]] = []
        self._pages: dict[str, CheckMetrics] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """Set the current checks; metrics of removed ones disappear."""
        known = {check.name: check for check in checks}
        found = objectives(known.values()) if self._repeats else []
        self._shares = [(own, value) for _, own, value in found]
        self._pages = {
            name: self._pages[name]
            if name in self._pages and self._pages[name].check is check
            else CheckMetrics(check, self._region, repeats=self._repeats, full=self._full)
            for name, check in known.items()
        }

    def observe(self, result: Result, evaluations: Iterable[Evaluation] = ()) -> None:
        """Export the last result of a check and what its thresholds were compared with; that of a
        removed check is dropped."""
        page = self._pages.get(result.check)
        if page is not None:
            page.update(result, evaluations, self._clock())

    def families(self, *, openmetrics: bool = False) -> Iterable[FamilyLines]:
        """Every family with its lines, by check; in OpenMetrics with exemplars."""
        found: dict[str, FamilyLines] = {}
        for page in self._current():
            _add(found, page.lines_of(openmetrics=openmetrics))
        return [*found.values(), *self._share_lines()]

    async def gather(self, *, openmetrics: bool = False) -> Iterable[FamilyLines]:
        """The same, and let others run meanwhile."""
        found, turn = dict[str, FamilyLines](), 0
        for page in self._current():
            turn += WRITTEN_AS if page.write() else 1
            _add(found, page.lines_of(openmetrics=openmetrics))
            if turn >= GATHERED_TOGETHER:
                turn = 0
                await asyncio.sleep(0)
        return [*found.values(), *self._share_lines()]

    def _share_lines(self) -> Iterator[FamilyLines]:
        if self._shares:
            heads = ((line_head(OBJECTIVE.name, own), value) for own, value in self._shares)
            yield OBJECTIVE, [f"{head}{number_text(value)}\n".encode() for head, value in heads]

    def collect(self) -> Iterator[Metric]:
        """The same for prometheus_client."""
        found: dict[str, Metric] = {}
        for page in self._current():
            for each in page.samples():
                family, labels = each.family, dict(each.labels)
                name = family.name.removesuffix("_total")
                metric = found.setdefault(family.name, Metric(name, family.help, family.type))
                metric.add_sample(
                    family.name + each.suffix, labels, each.value, None, each.exemplar
                )
        yield from found.values()
        if self._shares:
            shares = Metric(OBJECTIVE.name, OBJECTIVE.help, OBJECTIVE.type)
            for own, value in self._shares:
                shares.add_sample(OBJECTIVE.name, dict(own), value)
            yield shares

    def series(self) -> dict[str, int]:
        """How many series each check has now."""
        return {page.check.name: sum(1 for _ in page.samples()) for page in self._current()}

    def _current(self) -> Iterator[CheckMetrics]:
        now, firing = self._clock(), by_check(self._alerts()) if self._repeats else {}
        for name, page in self._pages.items():
            page.expire(now)
            page.set_alerts(firing.get(name, ()), self._links)
            yield page


def expose(
    exporter: Exporter, registry: CollectorRegistry, accept: str | None
) -> tuple[bytes, str]:
    """The whole page for a scrape, and its content type: OpenMetrics if ``accept`` wants it.

    ``registry`` holds what prometheus_client writes itself: the probe's own health.
    """
    encoder, content_type = choose_encoder(acceptable(accept))
    openmetrics = _is_openmetrics(content_type)
    families = exporter.families(openmetrics=openmetrics)
    return _page(encoder(registry), families, openmetrics=openmetrics), content_type


async def expose_in_turns(
    exporter: Exporter, registry: CollectorRegistry, accept: str | None
) -> tuple[bytes, str]:
    """The same, and let others run meanwhile."""
    encoder, content_type = choose_encoder(acceptable(accept))
    openmetrics = _is_openmetrics(content_type)
    families = await exporter.gather(openmetrics=openmetrics)
    return _page(encoder(registry), families, openmetrics=openmetrics), content_type


def _add(found: dict[str, FamilyLines], page: Mapping[Family, bytes]) -> None:
    for family, lines in page.items():
        known = found.get(family.name)
        if known is None:
            found[family.name] = (family, [lines])
        else:
            known[1].append(lines)


def _is_openmetrics(content_type: str) -> bool:
    return content_type.startswith("application/openmetrics-text")


def _page(own: bytes, families: Iterable[FamilyLines], *, openmetrics: bool) -> bytes:
    parts: list[bytes] = []
    for family, lines in families:
        parts.append(family.header(openmetrics))
        parts += lines
    if openmetrics:
        end = b"# EOF\n"
        return b"".join((own.removesuffix(end), *parts, end))
    return b"".join((own, *parts))
