"""The text that an application exposes at ``/metrics``, read by prometheus_client."""

import asyncio
import math
from collections.abc import Iterable, Mapping

from prometheus_client.parser import text_string_to_metric_families

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.telemetry.counters import Series, Values

MOST_SERIES = 20_000


class Exposition:
    """One scrape: the samples of the families that were wanted."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def sum(self, name: str) -> float | None:
        """The sum of all series of a name; None where there are none: no data is not 0."""
        found = [value for (series, _), value in self.values.items() if series == name]
        return sum(found) if found else None

    def only(self, *names: str) -> dict[Series, float]:
        """The samples of these names."""
        return {series: value for series, value in self.values.items() if series[0] in names}


async def parse(body: bytes, name: str, prefixes: Iterable[str]) -> Exposition:
    """Read a scrape, beside the event loop: a large one takes a while.

    Samples whose names begin with a prefix are kept, numbers only. Raises
    NotMeasured(body_invalid) that names the instrument.
    """
    try:
        return Exposition(await asyncio.to_thread(_read, body, tuple(prefixes)))
    except ValueError:  # UnicodeDecodeError is one
        message = f"{name} answers in another form than Prometheus' text"
        raise NotMeasured(Cause.BODY_INVALID, message) from None


def _read(body: bytes, prefixes: tuple[str, ...]) -> Mapping[Series, float]:
    found: dict[Series, float] = {}
    for family in text_string_to_metric_families(body.decode("utf-8")):
        for sample in family.samples:
            if sample.name.startswith(prefixes) and math.isfinite(sample.value):
                found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
                if len(found) > MOST_SERIES:
                    raise ValueError("too many series")
    return found
