"""One scenario in both: what the browser experienced, what we said, the row of the table."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from probe.core.context import Context
from probe.core.model import Result, Status
from probe.core.runner import run_check
from tests.browser.browser import Browser, Experience, Server
from tests.browser.scenarios import Entry, Scenario, Stage
from tests.kinds.call.call_lab import call_check

ECHOES = 50
PATIENCE = 14.0
"""Seconds in which a user would have given up, and Chromium has not told a failure yet."""
HEADER = ("scenario", "what Chromium experienced", "what `call` reported", "why")


class Outcome(Struct, frozen=True):
    """Both sides of one scenario."""

    scenario: Scenario
    seen: Experience
    results: dict[str, Result]

    @property
    def usable(self) -> tuple[bool, bool]:
        """Whether the browser had a call, and whether any of our checks had one."""
        had = self.seen.opened and len(self.seen.rtts) > ECHOES / 2
        ours = any(result.status is Status.OK for result in self.results.values())
        return had, ours

    @property
    def row(self) -> str:
        """The line of the table in docs/browser.md."""
        return table_row(self.scenario.name, self._seen, self._said, self.scenario.note)

    @property
    def _seen(self) -> str:
        if self.scenario.coarse:
            return "connected" if self.usable[0] else "no usable call"
        return self.seen.words

    @property
    def _said(self) -> str:
        if self.scenario.coarse:
            return "ok" if self.usable[1] else "failed"
        return "; ".join(f"{way}: {_words(result)}" for way, result in self.results.items())


def table_row(*cells: str) -> str:
    """One line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


async def play(scenario: Scenario, stage: Stage, page: Browser) -> Outcome:
    """Both call at the same time, through the same servers."""
    async with scenario.arrange(stage) as ways:
        servers = [Server([each.url], each.username, each.password) for each in ways]
        seen, results = await asyncio.gather(
            page.call(servers, echoes=ECHOES, limit=PATIENCE),
            _checks(ways, stage.certificate.ca_file),
        )
    return Outcome(scenario, seen, results)


async def _checks(ways: Sequence[Entry], ca_file: Path) -> dict[str, Result]:
    context = Context()
    results = await asyncio.gather(*(_check(each, ca_file, context) for each in ways))
    await context.closing.drain(timeout=5)
    return dict(zip([each.way for each in ways], results, strict=True))


async def _check(entry: Entry, ca_file: Path, context: Context) -> Result:
    login = {"username": entry.username, "password": entry.password}
    check = call_check(url=entry.url, ca_file=ca_file, echoes=ECHOES, **login)
    return await run_check(check, context)


def _words(result: Result) -> str:
    if result.failure is None:
        return "ok"
    return f"`{result.failure.cause}` in {result.failure.phase}"
