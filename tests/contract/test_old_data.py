"""A PROBE_DATA that an earlier version has written opens: nothing of it is lost or repeated.

``data`` was written by 0.1.0: three checks, one of which fails and has fired; a message that
Alertmanager has not accepted yet, one that a webhook has refused, a silence.
"""

import shutil
from pathlib import Path

from alerts.model import Alert, Severity
from alerts.notification.grouping import GroupStore
from alerts.notification.route import Route, Routes
from alerts.outbox.outbox import Outbox
from alerts.state.alert_store import AlertStore
from probe.core.model import Verdict
from probe.history import History
from tests.command import probe
from tests.daemon.running import daemon

DATA = Path(__file__).parent / "data"
# Seconds after the last run that it holds.
NOW = 1795663910.0
KEY = "127.0.0.1:9"
CHECKS = """
[[http]]
name = "gone"
url = "http://127.0.0.1:9/health"
"""


def copied(folder: Path) -> Path:
    """A copy that may be written."""
    return Path(shutil.copytree(DATA, folder / "data"))


def files(folder: Path) -> set[str]:
    """The databases there; one that can't be read is set aside under another name."""
    return {path.name for path in folder.glob("*.sqlite")}


async def test_its_history_is_read(tmp_path: Path) -> None:
    history = await History.open(copied(tmp_path), now=lambda: NOW)
    assert history.state.persistent
    assert not history.state.problem
    rows = await history.recent(0.0)
    assert {row.check for row in rows} == {"gone", "page", "limited"}
    assert {row.cause for row in rows if row.check == "gone"} == {"connect_refused"}
    page = [row for row in rows if row.check == "page"]
    assert [row.verdict for row in page].count(Verdict.UNKNOWN) == 2
    names = {name for row in page for name, _, _ in row.samples}
    assert {"probe_success", "probe_http_response_seconds"} <= names
    phases = {labels for row in page for _, labels, _ in row.samples if labels}
    assert (("phase", "connect"),) in phases
    await history.close()
    assert files(tmp_path / "data") == {"history.sqlite", "alerts.sqlite"}


async def test_its_alerts_and_messages_are_read(tmp_path: Path) -> None:
    outbox = await Outbox.open(copied(tmp_path), now=lambda: NOW)
    assert outbox.state.persistent
    (waiting,) = await outbox.waiting()
    assert (waiting.notifier, waiting.attempts, waiting.message.key) == ("alertmanager", 4, KEY)
    assert waiting.message.firing[0].cause == "connect_refused"
    (refused,) = await outbox.refused()
    assert (refused.notifier, refused.message.key) == ("webhook", KEY)
    (silence,) = await outbox.silences(NOW)
    assert (silence.matches, silence.author, silence.reason) == (("page",), "eva", "a move")
    assert (await outbox.memory("slack", KEY))["ts"] == "1700000000.000100"
    documents = await outbox.states()
    await outbox.close()
    store = AlertStore("lax")
    store.restore(documents)
    (alert,) = store.firing
    assert isinstance(alert, Alert)
    assert (str(alert.identity), alert.severity) == ("gone/failing", Severity.CRITICAL)
    assert NOW - alert.since < 60
    names = {"slack", "pagerduty", "alertmanager", "webhook"}
    group_store = GroupStore(Routes([Route(each, frozenset(Severity), 3600.0) for each in names]))
    group_store.restore(documents)
    assert {name for name, subject in group_store.views if subject == KEY} == names


async def test_the_command_lists_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(CHECKS)
    environment = {"PROBE_DATA": str(copied(tmp_path)), "PROBE_REGION": "lax"}
    listed = await probe("alerts", "list", cwd=tmp_path, env=environment)
    assert listed.code == 0, listed.err
    for wanted in ("gone/failing", "silence-1d1c6e", "alertmanager: gone", "webhook: gone"):
        assert wanted in listed.out


async def test_a_daemon_goes_on_from_it(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(CHECKS)
    environment = {"PROBE_DATA": str(copied(tmp_path)), "PROBE_REGION": "lax"}
    async with daemon(tmp_path, environment) as running:
        await running.ready()
        found = await running.metrics()
        assert found["probe_history_healthy"] == found["probe_history_persistent"] == 1
        status = await running.status()
        assert any("gone" in each["title"] for each in status["notices"])
        assert await running.stop() == 0
    assert files(tmp_path / "data") == {"history.sqlite", "alerts.sqlite"}
