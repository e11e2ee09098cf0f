"""The result of one run as a scrape's answer."""

import math
from collections.abc import Iterator

from prometheus_client.exposition import choose_encoder

from probe.core.model import DURATION, SUCCESS, Result, Status
from probe.exporter.probers.signals import IP_PROTOCOL
from probe.metrics.families import FAILURE, PHASES, Family, Pairs
from probe.metrics.text_format import acceptable, line_head, number_text

Line = tuple[Family, Pairs, float]


def expose_result(result: Result, accept: str | None) -> tuple[bytes, str]:
    """Body and content type: OpenMetrics if ``accept`` wants it.

    A run that could not measure has no ``probe_success``: it says nothing of the target.
    """
    _, content_type = choose_encoder(acceptable(accept))
    openmetrics = content_type.startswith("application/openmetrics-text")
    found: dict[str, tuple[Family, list[str]]] = {}
    for family, labels, value in _lines(result):
        head = line_head(family.name, labels) if labels else f"{family.name} "
        found.setdefault(family.name, (family, []))[1].append(f"{head}{number_text(value)}\n")
    parts = []
    for family, lines in found.values():
        parts += [family.header(openmetrics), "".join(lines).encode("utf-8", "backslashreplace")]
    return b"".join([*parts, b"# EOF\n" if openmetrics else b""]), content_type


def _lines(result: Result) -> Iterator[Line]:
    if result.status is not Status.UNKNOWN:
        success = float(result.status is Status.OK)
        yield Family(SUCCESS.name, "gauge", SUCCESS.help), (), success
    yield Family(DURATION.name, "gauge", DURATION.help), (), result.duration
    for sample in result.samples:
        signal = sample.signal
        # A counter counts one run here, and a scraper would take its rate.
        if signal in (SUCCESS, DURATION) or signal.counter or math.isnan(sample.value):
            continue
        family = Family(signal.name, "gauge", signal.help)
        yield family, tuple(sample.labels.items()), sample.value
    if "server" in result.facts and not any(each.signal == IP_PROTOCOL for each in result.samples):
        family = Family(IP_PROTOCOL.name, "gauge", IP_PROTOCOL.help)
        yield family, (), 6.0 if result.facts["server"].startswith("[") else 4.0
    for phase, seconds in result.phases.items():
        yield PHASES, (("phase", phase),), seconds
    if result.failure is not None:
        labels = (("phase", result.failure.phase), ("cause", result.failure.cause.value))
        yield FAILURE, labels, 1.0
