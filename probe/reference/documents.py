"""Every document that follows from the code, as text by its path."""

from collections.abc import Mapping
from pathlib import Path

import click

from probe.reference.configuration import Kinds, Notifiers, reference
from probe.reference.env_file import env_file
from probe.reference.markdown import filled
from probe.reference.signals import page as signals_page
from probe.reference.tables import blocks


def generated_documents(
    kinds: Kinds, notifiers: Notifiers, commands: click.Group, root: Path
) -> Mapping[str, str]:
    """Every file by its path below ``root``, whose pages give what is written by hand.

    ``commands`` is the command line that the pages describe.
    """
    found = blocks(kinds, notifiers, commands)
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
        "probe/help.txt": help_text(commands),
    }


def help_text(commands: click.Group) -> str:
    """What ``probe --help`` prints where a terminal has 80 columns or more, or there is none."""
    # Click leaves the last two columns free.
    context = commands.make_context("probe", [], resilient_parsing=True, terminal_width=78)
    return f"{context.get_help()}\n"
