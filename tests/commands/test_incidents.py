"""probe status, incidents and annotate: by the daemon's API, and by PROBE_DATA."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from probe.cli import cli
from tests.command import Done, probe
from tests.daemon.running import daemon

TOKEN = "a-token-for-the-api"
CHECKS = '[[http]]\nname = "page"\nurl = "http://127.0.0.1:9/"\nhold = 0\ninterval = 5\n'
ENVIRONMENT = {"PROBE_API_TOKEN": TOKEN, "PROBE_WEB_TOKEN": "the pages'", "PROBE_REGION": "lax"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "probe.toml").write_text(CHECKS)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


async def elsewhere(folder: Path, *arguments: str, **environment: str) -> Done:
    """The command in a folder without any configuration."""
    return await probe(*arguments, cwd=folder / "elsewhere", env=environment)


async def first_incident(folder: Path, url: str) -> dict[str, Any]:
    """The first incident, once there is one."""
    while True:
        listed = await elsewhere(folder, "incidents", "--json", "--url", url, PROBE_API_TOKEN=TOKEN)
        assert listed.code == 0, listed.err
        found: list[dict[str, Any]] = json.loads(listed.out)["items"]
        if found:
            return found[0]


async def test_an_outage_is_seen_annotated_noted_and_exported(folder: Path) -> None:
    data = folder / "data"
    async with daemon(folder, {**ENVIRONMENT, "PROBE_DATA": str(data)}) as running:
        await running.said("alert fired")
        at, token = ("--url", running.url), {"PROBE_API_TOKEN": TOKEN}
        incident = await first_incident(folder, running.url)
        deployed = await elsewhere(
            folder, "annotate", "deploy v1.5.0", "--commit", "a1b2c3d", "-a", "eva", *at, **token
        )
        assert deployed.code == 0, deployed.err
        noted = await elsewhere(
            folder, "incidents", "note", incident["id"], "it was *DNS*", *at, **token
        )
        assert noted.code == 0, noted.err
        by_file = await elsewhere(
            folder, "incidents", "acknowledge", incident["id"], "-a", "ida", PROBE_DATA=str(data)
        )
        assert by_file.out == f"{incident['id']}: acknowledged by ida\n", by_file.err
        seen = await elsewhere(folder, "status", *at, **token)
        assert seen.code == 0, seen.err
        assert seen.out.startswith("CRITICAL  1 open incident\n")
        assert f"{incident['id']}, since" in seen.out
        assert "acknowledged by ida" in seen.out
        status = await elsewhere(folder, "status", "--json", *at, **token)
        assert json.loads(status.out)["incidents"][0]["id"] == incident["id"]
        refused = await elsewhere(folder, "status", *at, PROBE_API_TOKEN="x" * 16)
        assert (refused.code, "PROBE_API_TOKEN" in refused.err) == (74, True)
        wrong = await elsewhere(folder, "incidents", "note", "nothing", "x", *at, **token)
        assert (wrong.code, "there is no incident" in wrong.err) == (64, True)
    exported = await elsewhere(
        folder, "incidents", "--export", incident["id"], PROBE_DATA=str(data)
    )
    assert exported.code == 0, exported.err
    for each in ("deploy v1.5.0 (a1b2c3d by eva)", "it was *DNS*", "acknowledged by ida"):
        assert each in exported.out
    listed = await elsewhere(folder, "incidents", PROBE_DATA=str(data))
    assert incident["id"] in listed.out


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
