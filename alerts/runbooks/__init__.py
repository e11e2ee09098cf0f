"""What to do about an alert: one page each, Markdown, for somebody who was just paged.

A page is a file of this directory, its slug the file's name. All have the same sections;
the first steps of one are also in the notification of the alert. A page is a template
(``alerts.runbooks.template``): what doesn't fit the configuration and the alert is left out.
"""

import re
from functools import cache
from importlib.resources import files

from msgspec import Struct

from alerts.runbooks.lookup import NO_DATA_PAGE, PROBE_PAGE, slug_for
from alerts.runbooks.template import GENERIC, RunbookError, Values, render

__all__ = [
    "FIRST_STEPS",
    "GENERIC",
    "NO_DATA_PAGE",
    "PROBE_PAGE",
    "Runbook",
    "RunbookError",
    "Values",
    "first_steps",
    "page",
    "pages_named",
    "read_runbooks",
    "rendered",
    "slug_for",
    "slugs",
    "steps_of",
    "template",
]

FIRST_STEPS = "First steps"
# A message has room for so many; the page has them all.
_STEPS_IN_A_MESSAGE = 3

_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_STEP = re.compile(r"^\d+\. +")


class Runbook(Struct, frozen=True):
    """One page: its title, and below it the text, in Markdown."""

    title: str
    text: str

    @classmethod
    def parse(cls, written: str) -> "Runbook":
        """From a file: its first line is the title."""
        title, _, text = written.partition("\n")
        return cls(title.removeprefix("# ").strip(), text.strip() + "\n")


@cache
def slugs() -> tuple[str, ...]:
    """All pages there are, in the order of the alphabet."""
    names = (each.name for each in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.endswith(".md")))


@cache
def unfilled(slug: str) -> Runbook:
    """One page as it is written. Raises KeyError for a slug that is none, whatever it looks
    like."""
    if slug not in slugs():
        raise KeyError(slug)
    return Runbook.parse(files(__package__).joinpath(f"{slug}.md").read_text(encoding="utf-8"))


def rendered(runbook: Runbook, values: Values = GENERIC) -> Runbook:
    """A page filled with values. Raises RunbookError."""
    return Runbook(runbook.title, render(runbook.text, values, FIRST_STEPS))


def page(slug: str, values: Values = GENERIC) -> Runbook:
    """One page filled with values. Raises KeyError like unfilled()."""
    return rendered(unfilled(slug), values)


def read_runbooks() -> None:
    """Read all pages now: at the first alert there may be no descriptor left for it."""
    for slug in slugs():
        unfilled(slug)


def first_steps(slug: str, values: Values = GENERIC) -> tuple[str, ...]:
    """The first steps of a page, at most three, each one line for a message.

    Commands keep their backticks, links become words. Raises KeyError like unfilled().
    """
    return steps_of(page(slug, values))


def steps_of(runbook: Runbook) -> tuple[str, ...]:
    """The same of a page that is filled already."""
    return tuple(_plain(step) for step in _steps(runbook))


def pages_named(runbook: Runbook) -> tuple[tuple[str, str], ...]:
    """The other pages that these steps lead to: the words that name each, and its slug."""
    links = [link for step in _steps(runbook) for link in _LINK.findall(step)]
    pages = {slug.removesuffix(".md"): words for words, slug in links if slug.endswith(".md")}
    return tuple((words, slug) for slug, words in pages.items() if slug in slugs())


def _steps(runbook: Runbook) -> list[str]:
    steps: list[str] = []
    for line in _section(runbook.text, FIRST_STEPS):
        if _STEP.match(line):
            steps.append(_STEP.sub("", line))
        elif steps and line.strip():
            steps[-1] += f" {line.strip()}"
    return steps[:_STEPS_IN_A_MESSAGE]


def _section(text: str, title: str) -> list[str]:
    _, _, rest = text.partition(f"## {title}\n")
    return rest.partition("\n## ")[0].splitlines()


def _plain(text: str) -> str:
    return _LINK.sub(_spoken, text).replace("**", "")


def _spoken(link: re.Match[str]) -> str:
    """What leads elsewhere keeps its address; another page is named by its words."""
    text, address = link.groups()
    return f"{text} {address}" if address.startswith("https://") else f'"{text}"'
