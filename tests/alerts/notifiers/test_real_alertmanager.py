"""The real Alertmanager: probes with clocks apart, and what it says is open."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.model import MessageType
from alerts.notifiers.alertmanager import FIRING, Alertmanager
from tests.alerts.samples import failing, sample_message
from tests.servers.receivers.alertmanager import Alertmanager as RealAlertmanager


def probe_behind(behind: float, url: str) -> Alertmanager:
    """The notifier of a probe whose clock is so many seconds behind."""
    return Alertmanager([url], now=lambda: time.time() - behind)


@pytest.mark.parts
async def test_probes_with_clocks_apart_share_an_alert_that_each_can_ask_for(
    tmp_path: Path,
) -> None:
    alert = replace(failing(since=time.time() - 30, fired=time.time()), region="")
    async with RealAlertmanager(tmp_path, webhook="http://127.0.0.1:9/") as server:
        for behind in (0.0, 300.0, -300.0, -3.0):
            at = time.time() - behind
            mine = replace(alert, since=at - 30, fired=at)
            firing = sample_message(firing=(mine,), at=at, since=at - 30)
            memory = await probe_behind(behind, server.url).send(firing, {})
            probe = probe_behind(behind, server.url)
            (found,) = await probe.open_alerts(["", "lax"], [])
            assert found.check == alert.identity.check
            assert json.loads(found.memory[FIRING]) == json.loads(memory[FIRING])
            assert not await probe.open_alerts(["lax"], [])
        over = replace(firing, occasion=MessageType.RESOLVED, firing=(), resolved=(mine,))
        await probe.send(over, memory)
        # At once: an end in its future would be dropped for the one of four minutes later.
        assert not await probe.open_alerts(["", "lax"], [])
