"""Lines of the Prometheus text format, as prometheus_client writes them."""

from prometheus_client.utils import floatToGoString

from probe.metrics.families import Pairs


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


def _escaped(value: str) -> str:
    if "\\" in value or "\n" in value or '"' in value:
        value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value
