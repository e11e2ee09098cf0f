"""Every query of every panel and variable, against a real Prometheus with real data."""

from pathlib import Path

import pytest

from dashboards.dashboards import boards
from probe.kinds import KINDS
from tests.dashboards.scene import Scene, asked, scene


async def _unanswered(made: Scene) -> list[str]:
    missing = []
    for board in boards(KINDS):
        for panel in board.panels:
            for query in panel.queries:
                if not await made.prometheus.query(asked(query.expr)):
                    missing.append(f"{board.uid}: {panel.title}: {query.expr}")
    return missing


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
