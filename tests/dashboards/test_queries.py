"""Every query of every panel and variable, against a real Prometheus with real data."""

import asyncio
from pathlib import Path

import pytest

from dashboards.dashboards import boards
from probe.kinds import KINDS
from tests.dashboards.scene import Scene, asked, scene

# A figure is there while its last run had one: each query has data at some moment of these. What
# has none by then is measured too seldom on this machine, and fed.
ANSWER_SECONDS, FED_SECONDS = 30.0, 100.0


async def _ask(made: Scene, missing: dict[str, str], seconds: float) -> None:
    """Ask what is missing until it was answered once, for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while missing and loop.time() < until:
        for name, expr in list(missing.items()):
            if await made.prometheus.query(expr):
                del missing[name]
        await asyncio.sleep(0.5)


@pytest.mark.parts
async def test_every_query_of_every_panel_has_data(tmp_path: Path) -> None:
    missing = {
        f"{board.uid}: {panel.title}: {query.expr}": asked(query.expr)
        for board in boards(KINDS)
        for panel in board.panels
        for query in panel.queries
    }
    async with scene(tmp_path) as made:
        made.lab.set_knob("primary.error", "486")
        await made.prometheus.until('probe_failure_info{kind="turn"}')
        await _ask(made, missing, ANSWER_SECONDS)
        print("fed, because the lab has no source:")
        for name, reason in made.fed.items():
            print(f"  {name}: {reason}")
        assert not [name for name, reason in made.fed.items() if not reason]
        if missing:
            print("fed, because it was measured too seldom:", *missing, sep="\n  ")
            made.page.feed_everything()
            await _ask(made, missing, FED_SECONDS)
        assert missing == {}
