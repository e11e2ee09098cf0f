"""The real Alertmanager: probes with clocks apart, and what it says is open."""

import json
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.model import MessageType
from alerts.notifiers.alertmanager import FIRING, Alertmanager
from alerts.state.labels import labels_of_value
from tests.alerts.samples import failing, sample_message
from tests.alerts.state.test_labels import beyond, queried
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


@pytest.mark.parts
async def test_values_that_differ_in_a_label_called_like_ours_are_alerts_of_their_own(
    tmp_path: Path,
) -> None:
    """Each is sent, read back as what it is, and resolved alone."""
    check = queried("severity", "rule", "kind", "check")
    given = {"severity": "low", "rule": "r", "kind": "k", "check": "c"}
    now = time.time()
    low, high = (
        replace(beyond(check, **{**given, "severity": each}), since=now - 30, fired=now)
        for each in ("low", "high")
    )
    async with RealAlertmanager(tmp_path, webhook="http://127.0.0.1:9/") as server:
        notifier = Alertmanager([server.url])
        both = sample_message(firing=(low, high), at=now, since=now - 30)
        memory = await notifier.send(both, {})
        found = await notifier.open_alerts(["lax"], [])
        assert {(each.check, each.rule, each.severity) for each in found} == {
            (check.name, low.identity.rule, low.severity)
        }
        read = {
            tuple(sorted(labels_of_value(check, each.rule, dict(each.labels)))) for each in found
        }
        assert read == {low.identity.labels, high.identity.labels}
        one = replace(both, occasion=MessageType.CHANGED, firing=(high,), resolved=(low,))
        await notifier.send(one, memory)
        (left,) = await notifier.open_alerts(["lax"], [])
        assert dict(left.labels)["exported_severity"] == "high"


@pytest.mark.parts
async def test_what_an_older_version_opened_stays_one_alert_over_an_update(tmp_path: Path) -> None:
    check, now = queried("severity"), time.time()
    alert = replace(beyond(check, severity="low"), since=now - 30, fired=now)
    plain = replace(alert, identity=replace(alert.identity, labels=()))
    async with RealAlertmanager(tmp_path, webhook="http://127.0.0.1:9/") as server:
        notifier = Alertmanager([server.url])
        before = sample_message(firing=(plain,), at=now, since=now - 30)
        memory = await notifier.send(before, {})
        (opened,) = await server.alerts()
        message = replace(before, occasion=MessageType.REMINDER, firing=(alert,))
        memory = await notifier.send(message, memory)
        (kept,) = await server.alerts()
        assert kept["fingerprint"] == opened["fingerprint"]
        over = replace(before, occasion=MessageType.RESOLVED, firing=(), resolved=(alert,))
        await notifier.send(over, memory)
        assert not await server.alerts()
