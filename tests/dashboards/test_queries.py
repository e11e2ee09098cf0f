"""Every query of every panel and variable, against a real Prometheus with real data."""

import asyncio
from pathlib import Path

import pytest

from dashboards.dashboards import boards
from probe.kinds import KINDS
from tests.dashboards.scene import Scene, asked, scene

# A figure is there while its last run had one: each query has data at some moment of these.
ANSWER_SECONDS = 60.0


async def _unanswered(made: Scene) -> list[str]:
    missing = {
        f"{board.uid}: {panel.title}: {query.expr}": asked(query.expr)
        for board in boards(KINDS)
        for panel in board.panels
        for query in panel.queries
    }
    loop = asyncio.get_running_loop()
    until = loop.time() + ANSWER_SECONDS
    while missing and loop.time() < until:
        for name, expr in list(missing.items()):
            if await made.prometheus.query(expr):
                del missing[name]
        await asyncio.sleep(0.5)
    return list(missing)


@pytest.mark.parts
async def test_every_query_of_every_panel_has_data(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        made.lab.set_knob("primary.error", "486")
        await made.prometheus.until('probe_failure_info{kind="turn"}')
        await made.prometheus.until('probe_call_rtt_seconds{region="lax"}')
        await made.prometheus.until('probe_turn_relay_overhead_seconds{region="lax"}')
        await made.prometheus.until('probe_turn_mtu_bytes{region="lax"}')
        await made.prometheus.until("changes(probe_success[5m]) > 0")
        # One look at what is fed is no rate yet.
        await made.prometheus.until('count_over_time(probe_success{region="fed"}[20s]) > 1')
        missing = await _unanswered(made)
        print("fed, because the lab has no source:")
        for name, reason in made.fed.items():
            print(f"  {name}: {reason}")
        assert not [name for name, reason in made.fed.items() if not reason]
        assert missing == []
