"""``make generate``: every document that follows from the code, into its file."""

from collections.abc import Mapping
from pathlib import Path

from alerts.notifiers import NOTIFIERS
from probe.cli import cli
from probe.kinds import KINDS
from probe.reference.documents import generated_documents

ROOT = Path(__file__).parent.parent


def documents() -> Mapping[str, str]:
    """The documents of this checkout: text by the path below its root."""
    return generated_documents(KINDS, NOTIFIERS, cli, ROOT)


def main() -> None:
    """Write them."""
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
