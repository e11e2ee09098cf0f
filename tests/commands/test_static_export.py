"""``probe status --export``: the public page as files that stand when the probe doesn't."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.command import Done, probe
from tests.report import board_samples as boards
from tests.report.html.markup_rules import Reading
from tests.web.site_server import Source, served


async def export(folder: Path, url: str) -> Done:
    """Run the command."""
    return await probe("status", "--export", str(folder / "out"), "--url", url, cwd=folder)


async def test_the_page_and_the_badges_are_files_that_load_nothing(tmp_path: Path) -> None:
    source = Source(boards.backend_down())
    async with served(source.pages()) as (_, server):
        done = await export(tmp_path, f"http://127.0.0.1:{server.address[1]}")
    assert (done.code, done.err) == (0, "")
    out = tmp_path / "out"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Some services are down" in page
    reading = Reading(page)
    assert not reading.of("script")
    assert not [each for each in reading.of("meta") if each.get("http-equiv") == "refresh"]
    assert not re.search(r'(src|href)="/', page)
    names = {path.name for path in (out / "badge").iterdir()}
    assert {"backend.svg", "backend-uptime.svg", "turn.svg"} <= names
    assert "down" in (out / "badge/backend.svg").read_text(encoding="utf-8")


async def test_what_was_written_before_stays_when_no_probe_answers(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("before")
    done = await export(tmp_path, "http://127.0.0.1:1")
    assert done.code == 74
    assert "no probe answers" in done.err
    assert (out / "index.html").read_text() == "before"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "badge").write_text("a file where a folder should be")
    async with served(Source().pages()) as (_, server):
        done = await export(tmp_path, f"http://127.0.0.1:{server.address[1]}")
    assert done.code == 74
    assert "can't be written" in done.err
    assert not (tmp_path / "out" / "index.html").exists()


@pytest.fixture
async def liar() -> AsyncIterator[str]:
    """A server that would have files written elsewhere."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"files": {"index.html": "x", "../../escaped.html": "x"}})

    app = web.Application()
    app.router.add_get("/api/v1/status-page", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_no_file_is_written_outside_of_the_folder(tmp_path: Path, liar: str) -> None:
    done = await export(tmp_path, liar)
    assert done.code == 74
    assert "not one of ours" in done.err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path.parent / "escaped.html").exists()
