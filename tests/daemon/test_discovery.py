"""Targets that come and go while the daemon runs."""

import asyncio
import json
from pathlib import Path

from tests.daemon.running import PATIENCE, Running, daemon
from tests.servers.pages import Pages, answers


async def until_checked(running: Running, names: set[str]) -> None:
    """Wait until these are the checks, and each has run."""
    async with asyncio.timeout(PATIENCE):
        while True:
            checks = (await running.status())["checks"]
            if (
                {each["name"] for each in checks if each["last_run"]}
                == names
                == {each["name"] for each in checks}
            ):
                return
            await asyncio.sleep(0.1)


async def test_targets_are_followed_and_a_bad_file_keeps_them_and_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    (tmp_path / "probe.toml").write_text(
        '[[discovery]]\nkind = "http"\nfiles = ["targets.json"]\n'
        'check = { name = "page-{target}", url = "PAGES/{target}" }\n'
    )

    def write(*targets: str) -> None:
        file.write_text(json.dumps([{"targets": targets, "labels": {"team": "rtc"}}]))

    async with Pages(answers()) as pages:
        text = (tmp_path / "probe.toml").read_text().replace("PAGES", pages.url)
        (tmp_path / "probe.toml").write_text(text)
        write("a")
        async with daemon(tmp_path, {}) as running:
            await until_checked(running, {"page-a"})
            write("a", "b", "c")
            await until_checked(running, {"page-a", "page-b", "page-c"})
            _, metrics = await running.get("/metrics")
            assert 'probe_target_info{check="page-b"' in metrics
            assert 'team="rtc"' in metrics
            file.write_text("[{")
            line = await running.said("targets can't be read")
            assert "targets.json: is not valid JSON; its last targets are kept" in line["problem"]
            await until_checked(running, {"page-a", "page-b", "page-c"})
            write("c")
            await until_checked(running, {"page-c"})


async def test_without_any_target_yet_nothing_is_said_to_be_ok(tmp_path: Path) -> None:
    """The page was green, its tab said "all ok" and its badge "up"."""
    (tmp_path / "probe.toml").write_text(
        '[[discovery]]\nkind = "http"\nfiles = ["targets.json"]\n'
        'check = { name = "page-{target}", url = "http://127.0.0.1:9/{target}" }\n'
    )
    (tmp_path / "targets.json").write_text("[]")
    async with daemon(tmp_path, {}) as running:
        assert (await running.status())["verdict"] == "unknown"
        _, page = await running.get("/")
        assert "<title>? nothing checked" in page
        assert "nothing is checked" in page
        _, badge = await running.get("/badge.svg")
        assert 'aria-label="probe: nothing checked"' in badge
