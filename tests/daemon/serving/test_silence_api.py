"""Silences through the daemon's own API, by our command line and by amtool; and by its file."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import Done, probe
from tests.daemon.running import Running, daemon

TOKEN = "a token for the pages"
CHECKS = '[[http]]\nname = "page"\nurl = "http://127.0.0.1:9/"\nhold = 0\n'
ENVIRONMENT = {"PROBE_WEB_TOKEN": TOKEN, "PROBE_REGION": "lax"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def silence(folder: Path, *arguments: str, **environment: str) -> Done:
    """``probe alerts silence`` somewhere else than where the daemon runs."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return await probe("alerts", "silence", *arguments, cwd=elsewhere, env=environment)


async def listed(running: Running) -> list[dict[str, Any]]:
    code, text = await running.get("/api/v2/silences", headers=BEARER)
    assert code == 200, text
    found: list[dict[str, Any]] = json.loads(text)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "probe.toml").write_text(CHECKS)
    return tmp_path


async def test_a_silence_is_added_listed_and_expired_without_the_data_folder(folder: Path) -> None:
    async with daemon(folder, ENVIRONMENT) as running:
        await running.said("page is critical")
        at = ("--url", running.url)
        token = {"PROBE_WEB_TOKEN": TOKEN}
        asked = ("kind=http", "--duration", "2h", "--comment", "moving", "--author", "eva")
        made = await silence(folder, "add", *asked, *at, **token)
        assert made.code == 0, made.err
        assert "matches now: 1 check (page)" in made.out
        assert "suppresses: 1 firing alert (page/failing)" in made.out
        [document] = await listed(running)
        assert document["status"] == {"state": "active"}
        assert (document["createdBy"], document["comment"]) == ("eva", "moving")
        assert document["matchers"] == [
            {"name": "kind", "value": "http", "isRegex": False, "isEqual": True}
        ]
        said = await silence(folder, "list", *at, **token)
        assert f"{document['id']}  kind=http until" in said.out
        ended = await silence(folder, "expire", document["id"], *at, **token)
        assert ended.out == f"{document['id']} is expired\n"
        assert await listed(running) == []
        again = await silence(folder, "expire", document["id"], *at, **token)
        assert (again.code, "no silence" in again.err) == (64, True)


async def test_a_silence_of_everything_shows_on_the_page(folder: Path) -> None:
    async with daemon(folder, ENVIRONMENT) as running:
        made = await silence(
            folder, "add", "*", "--comment", "x", "--url", running.url, **ENVIRONMENT
        )
        assert made.code == 0, made.err
        async with asyncio.timeout(30):
            while True:
                _, text = await running.get("/status.json", headers=BEARER)
                notices = {each["title"]: each for each in json.loads(text)["notices"]}
                found = [title for title in notices if title.startswith("Silence: ")]
                if found:
                    break
                await asyncio.sleep(0.1)
        assert notices[found[0]]["verdict"] == "warning"
        assert "No notifications of everything" in notices[found[0]]["text"]


# Arguments that are refused, and what the error has to say.
REFUSED = [
    (("add", "--comment", "x"), "no matcher"),
    (("add", "helth", "--comment", "x"), "matches no check"),
    (("add", "page"), "--comment"),
    (("add", "page", "--comment", "x", "--duration", "soon"), "write 30m, 2h or 1d12h"),
    (("add", "check=~(", "--comment", "x"), "is not a regular expression"),
    (("page", "--reason", "x", "--hours", "-1"), "positive number of hours"),
    (("page", "--reason", "x", "--hours", "1", "--duration", "1h"), "keep one of them"),
    (("--reason", "x"), "no matcher"),
    (("expire",), "NAMES"),
]


async def test_invalid_arguments_are_refused_with_the_remedy_and_change_nothing(
    folder: Path,
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "probe.toml").write_text(CHECKS)
    data = folder / "data"
    data.mkdir()
    first = await silence(folder, "page", "--reason", "first", PROBE_DATA=str(data))
    assert first.code == 0, first.err
    for arguments, problem in REFUSED:
        done = await silence(folder, *arguments, PROBE_DATA=str(data))
        assert (done.code, problem in done.err) == (64, True), (arguments, done.err)
    assert len((await silence(folder, "list", PROBE_DATA=str(data))).out.splitlines()) == 1


async def test_the_file_of_a_daemon_that_does_not_run_there_is_refused(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "probe.toml").write_text(CHECKS)
    wrong = {"PROBE_DATA": str(folder / "wrong")}
    done = await silence(folder, "add", "page", "--comment", "x", **wrong)
    assert (done.code, "no daemon keeps its alerts in" in done.err) == (64, True)
    forced = await silence(folder, "add", "page", "--comment", "x", "--force", **wrong)
    assert forced.code == 0, forced.err
    older = await silence(folder, "page", "--reason", "x", PROBE_DATA=str(folder / "also wrong"))
    assert (older.code, "warning: PROBE_DATA" in older.err) == (0, True)


async def test_unsilence_takes_what_it_was_made_with(folder: Path) -> None:
    data = {"PROBE_DATA": str(folder / "data")}
    made = await probe(
        "alerts", "silence", "page", "--reason", "x", "--hours", "2", cwd=folder, env=data
    )
    name = made.out.split(":")[0]
    ended = await probe("alerts", "unsilence", "page", cwd=folder, env=data)
    assert (ended.code, ended.out) == (0, f"{name} is expired\n")


async def test_without_folder_and_daemon_both_ways_are_named(folder: Path) -> None:
    done = await silence(folder, "list", PROBE_LISTEN="127.0.0.1:9")
    assert done.code == 64
    assert "PROBE_DATA is not set" in done.err
    assert "--url" in done.err


@pytest.mark.parametrize("environment", [{}, {"PROBE_WEB_USER": "u", "PROBE_WEB_PASSWORD": "p"}])
async def test_nothing_is_written_without_a_token(
    folder: Path, environment: dict[str, str]
) -> None:
    async with daemon(folder, environment) as running:
        done = await silence(folder, "add", "page", "--comment", "x", "--url", running.url)
        assert done.code == 74
        assert ("401" if environment else "Set PROBE_WEB_TOKEN") in done.err
        for method in ("post", "delete"):
            path = "/api/v2/silences" if method == "post" else "/api/v2/silence/x"
            async with running.session.request(method, running.url + path, json={}) as response:
                assert response.status == (401 if environment else 403)


# Requests that are no silence: body, content type, status.
INVALID = [
    (b"{}", "text/plain", 415),
    (b"{}", "application/json", 400),
    (b"[[[", "application/json", 400),
    (b"[" * 60000, "application/json", 400),
    (b" " * 70000, "application/json", 413),
]


async def test_what_is_no_silence_is_refused(folder: Path) -> None:
    async with daemon(folder, ENVIRONMENT) as running:
        for body, content, status in INVALID:
            headers = {**BEARER, "Content-Type": content}
            path = f"{running.url}/api/v2/silences"
            async with running.session.post(path, data=body, headers=headers) as response:
                assert response.status == status, (body[:9], await response.text())
            assert await listed(running) == []


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
async def test_amtool_speaks_to_the_probe(folder: Path) -> None:
    config = folder / "http.yml"
    config.write_text(f"authorization:\n  credentials: {TOKEN}\n")

    async def amtool(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "amtool",
            f"--alertmanager.url={running.url}",
            f"--http.config.file={config}",
            "silence",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()

    async with daemon(folder, ENVIRONMENT) as running:
        options = ("--duration=2h", "--comment=moving", "--author=eva")
        name = (await amtool("add", "check=~pa.*", "kind=http", *options)).strip()
        shown = await amtool("query")
        assert name in shown
        assert 'check=~"pa.*"' in shown
        await amtool("expire", name)
        assert name not in await amtool("query")
