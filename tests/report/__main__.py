"""Writes the approved tables anew, to be looked at before they are kept."""

from pathlib import Path

from probe.report.text import table
from tests.report.samples import SAMPLES, Sampler

APPROVED_WIDTHS = (80, 140)


def approved(sample: Sampler, width: int) -> Path:
    """Where the approved table of a sample is kept."""
    return Path(__file__).parent / "expected" / f"{sample.__name__}-{width}.txt"


def main() -> None:
    """Write all of them."""
    for sample in SAMPLES:
        for width in APPROVED_WIDTHS:
            text = table.render(sample(), colour=False, width=width)
            approved(sample, width).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
