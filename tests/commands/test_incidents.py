"""probe status, incidents and annotate: by the daemon's API, and by PROBE_DATA."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from probe.cli import cli
from tests.daemon.running import daemon

TOKEN = "a-token-for-the-api"
CHECKS = '[[http]]\nname = "page"\nurl = "http://127.0.0.1:9/"\nhold = 0\ninterval = 5\n'
ENVIRONMENT = {"PROBE_API_TOKEN": TOKEN, "PROBE_WEB_TOKEN": "the pages'", "PROBE_REGION": "lax"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "probe.toml").write_text(CHECKS)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


async def elsewhere(*arguments: str, **environment: str) -> Result:
    """The command in a folder without any configuration, in a thread of its own."""
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environment)


async def first_incident(url: str) -> dict[str, Any]:
    """The first incident, once there is one."""
    while True:
        listed = await elsewhere("incidents", "--json", "--url", url, PROBE_API_TOKEN=TOKEN)
        assert listed.exit_code == 0, listed.stderr
        found: list[dict[str, Any]] = json.loads(listed.stdout)["items"]
        if found:
            return found[0]


async def test_an_outage_is_seen_annotated_noted_and_exported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    data = folder / "data"
    async with daemon(folder, {**ENVIRONMENT, "PROBE_DATA": str(data)}) as running:
        await running.said("alert fired")
        at, token = ("--url", running.url), {"PROBE_API_TOKEN": TOKEN}
        incident = await first_incident(running.url)
        deployed = await elsewhere(
            "annotate", "deploy v1.5.0", "--commit", "a1b2c3d", "-a", "eva", *at, **token
        )
        assert deployed.exit_code == 0, deployed.stderr
        noted = await elsewhere("incidents", "note", incident["id"], "it was *DNS*", *at, **token)
        assert noted.exit_code == 0, noted.stderr
        by_file = await elsewhere(
            "incidents", "acknowledge", incident["id"], "-a", "ida", PROBE_DATA=str(data)
        )
        assert by_file.stdout == f"{incident['id']}: acknowledged by ida\n", by_file.stderr
        seen = await elsewhere("status", *at, **token)
        assert seen.exit_code == 0, seen.stderr
        assert seen.stdout.startswith("CRITICAL  1 open incident\n")
        assert f"{incident['id']}, since" in seen.stdout
        assert "acknowledged by ida" in seen.stdout
        port = running.url.rpartition(":")[2]
        alerts = await elsewhere("alerts", "list", PROBE_LISTEN=f"127.0.0.1:{port}", **token)
        assert (alerts.exit_code, "page/failing" in alerts.stdout) == (0, True), alerts.output
        status = await elsewhere("status", "--json", *at, **token)
        assert json.loads(status.stdout)["incidents"][0]["id"] == incident["id"]
        refused = await elsewhere("status", *at, PROBE_API_TOKEN="x" * 16)
        assert (refused.exit_code, "PROBE_API_TOKEN" in refused.stderr) == (74, True)
        wrong = await elsewhere("incidents", "note", "nothing", "x", *at, **token)
        assert (wrong.exit_code, "there is no incident" in wrong.stderr) == (64, True)
    exported = await elsewhere("incidents", "--export", incident["id"], PROBE_DATA=str(data))
    assert exported.exit_code == 0, exported.stderr
    for each in ("deploy v1.5.0 (a1b2c3d by eva)", "it was *DNS*", "acknowledged by ida"):
        assert each in exported.stdout
    listed = await elsewhere("incidents", PROBE_DATA=str(data))
    assert incident["id"] in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("annotate", ""), "annotate text"),
        (("annotate", "x", "--time", "yesterday"), "annotate time"),
        (("annotate", "x", "--link", "ftp://x"), "annotate link"),
        (("annotate", "x", "--kind", "Two Words"), "annotate kind"),
        (("annotate", "x"), "no daemon keeps its history"),
        (("incidents",), "no daemon keeps its history"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], error: str
) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    environment = {"PROBE_DATA": str(folder / "nowhere")}
    done = CliRunner().invoke(cli, arguments, env=environment)
    assert (done.exit_code, error in done.stderr) == (64, True), done.stderr
    assert not (folder / "nowhere").exists()


def test_without_a_daemon_the_command_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "elsewhere")
    done = CliRunner().invoke(cli, ["status", "--url", "http://127.0.0.1:1"])
    assert (done.exit_code, "no probe answers" in done.stderr) == (74, True)
