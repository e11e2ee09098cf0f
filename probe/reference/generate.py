"""``make generate``: every document that follows from the code, into its file."""

from collections.abc import Mapping
from pathlib import Path

from alerts.notifiers import NOTIFIERS
from probe.kinds import KINDS
from probe.reference.configuration import Kinds, Notifiers, reference
from probe.reference.env_file import env_file
from probe.reference.markdown import filled
from probe.reference.signals import page as signals_page
from probe.reference.tables import blocks

ROOT = Path(__file__).parent.parent.parent


def generated_documents(kinds: Kinds, notifiers: Notifiers, root: Path = ROOT) -> Mapping[str, str]:
    """Every file by its path below ``root``, whose pages give what is written by hand."""
    found = blocks(kinds, notifiers)
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    files = {
        str(page.relative_to(root)): filled(page.read_text(encoding="utf-8"), found)
        for page in pages
        if page.exists()
    }
    return {
        **files,
        "docs/reference.md": reference(kinds, notifiers),
        "docs/signals.md": signals_page(kinds),
        ".env.example": env_file(kinds, notifiers),
    }


def main() -> None:
    """Write those that have changed."""
    for path, text in generated_documents(KINDS, NOTIFIERS).items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
