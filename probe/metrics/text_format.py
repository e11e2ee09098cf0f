"""Lines of the Prometheus text format, as prometheus_client writes them; and which format a scraper
gets, by its Accept header (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator

from prometheus_client.openmetrics.exposition import ALLOWUTF8, DOTS, UNDERSCORES, VALUES
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from probe.metrics.families import Pairs

OPENMETRICS, PLAIN = "application/openmetrics-text", "text/plain"
# OpenMetrics 2.0 is a draft; a scraper that asks for a newer format takes this one too.
VERSION = "1.0.0"
_ESCAPINGS = (ALLOWUTF8, DOTS, UNDERSCORES, VALUES)
_ANY = ("*/*", "text/*")
_QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}")
# No scraper sends more; each takes time.
_LONGEST = 2000


def line_head(name: str, labels: Pairs) -> str:
    """A line up to its value, as both formats write it: labels in the order of their names."""
    inner = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels))
    return f"{name}{{{inner}}} "


def number_text(value: float) -> str:
    """A value as Go writes it."""
    text = repr(float(value))
    if text.find(".") > 6 or "n" in text:  # an exponent sooner than in Python, NaN, infinity
        text = floatToGoString(value)  # type: ignore[no-untyped-call]  # it has no annotations
    return text


def exemplar_of(run: str, value: float, at: float) -> Exemplar:
    """The run that a value is of, by its id; ``at`` is in seconds since 1970, of which Prometheus
    keeps milliseconds."""
    return Exemplar({"run_id": run}, round(value, 6), round(at, 3))


def exemplar_text(exemplar: Exemplar) -> str:
    """The end of a line in OpenMetrics, as prometheus_client writes it (OpenMetrics 1.0,
    "Exemplars")."""
    inner = ",".join(f'{name}="{value}"' for name, value in sorted(exemplar.labels.items()))
    moment = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {{{inner}}} {number_text(exemplar.value)}{moment}"


def _escaped(value: str) -> str:
    if not value.isascii():
        # Half a surrogate pair has no UTF-8; any other sign for it would be a wrong escape.
        value = value.encode("utf-8", "replace").decode("utf-8")
    if "\\" in value or "\n" in value or '"' in value:
        value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


def acceptable(accept: str | None) -> str:
    """The range of an Accept header that weighs most, as prometheus_client can read it, which takes
    the first that it knows, whatever its weight, and each part for well formed; empty if none is
    written here. Of equal weights OpenMetrics is taken."""
    ranges = list(_ranges((accept or "")[:_LONGEST]))
    return max(
        ranges, key=lambda each: (each[0], each[1].startswith(OPENMETRICS)), default=(0, "")
    )[1]


def _ranges(accept: str) -> Iterator[tuple[float, str]]:
    """Each range that can be written, with its weight: versions that are numbers and that are
    written here, and known escapings."""
    for part in accept.split(","):
        kind, *rest = (each.strip() for each in part.split(";"))
        parameters = {
            name.strip().lower(): value.strip().strip('"')
            for name, equals, value in (each.partition("=") for each in rest)
            if equals
        }
        kind = PLAIN if kind in _ANY else kind.lower()
        version, weight = parameters.get("version", ""), _weight(parameters.get("q", "1"))
        if kind not in (OPENMETRICS, PLAIN) or weight == 0:
            continue
        if version and not _NUMBER.fullmatch(version):
            continue
        is_new = bool(version) and int(version.partition(".")[0]) >= 1
        if kind == OPENMETRICS and version and not is_new:
            continue
        escaping = parameters.get("escaping", "")
        yield (
            weight,
            ";".join(
                (
                    kind,
                    *((f"version={VERSION}",) if is_new else ()),
                    *((f"escaping={escaping}",) if is_new and escaping in _ESCAPINGS else ()),
                )
            ),
        )


def _weight(text: str) -> float:
    """A qvalue (RFC 9110, 12.4.2); what is none counts as 1."""
    return float(text) if _QVALUE.fullmatch(text) else 1.0
