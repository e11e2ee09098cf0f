"""The configuration is parsed first and swapped then, in one step; a wrong one changes nothing."""

import asyncio
import logging
from pathlib import Path
from unittest import mock

import pytest

from alerts.manager import AlertManager
from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.daemon.daemon import Daemon
from probe.daemon.reload import Reloader
from tests.clocks import Clock
from tests.fake_kind import toy


def settings_of(*names: str) -> Settings:
    """Of a configuration with these checks."""
    return Settings(CheckPlan(tuple(toy(name) for name in names)), "lax", logging.INFO)


class Stage:
    """A configuration file, what reading it gives, and what was taken over."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "probe.toml"
        self.clock = Clock(100.0)
        self.problems: list[ConfigProblem] = []
        self.taken: list[Settings] = []
        self.read = asyncio.Event()
        self.reloader = Reloader(
            self.load, self.apply, self.path, now=self.clock, poll_seconds=0.01
        )

    def load(self) -> Settings:
        """As the command line loads them."""
        self.loop.call_soon_threadsafe(self.read.set)
        if self.problems:
            raise ConfigurationError(self.problems)
        return settings_of("toy")

    async def apply(self, settings: Settings) -> None:
        """As the daemon takes them over."""
        self.taken.append(settings)

    async def until_read(self) -> None:
        """Wait until the configuration is read once more."""
        async with asyncio.timeout(30):
            await self.read.wait()
        self.read.clear()

    async def __aenter__(self) -> "Stage":
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.create_task(self.reloader.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def test_a_file_that_appears_or_changes_is_read_again(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        for text in ("", "# changed", None):
            if text is None:
                stage.path.unlink()
            else:
                stage.path.write_text(text)
            await stage.until_read()


async def test_it_is_reloaded_on_request(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        stage.reloader.request_reload()
        await stage.until_read()


async def test_a_right_configuration_is_taken_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.loop = asyncio.get_running_loop()
    stage.clock.pass_(5)
    await stage.reloader.reload()
    assert len(stage.taken) == 1
    assert stage.reloader.outcome.ok
    assert stage.reloader.outcome.changed == 105.0
    assert stage.reloader.outcome.notices == []


async def test_a_wrong_one_changes_nothing_and_is_reported_until_it_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path)
    stage.loop = asyncio.get_running_loop()
    stage.problems = [
        ConfigProblem("probe.toml", "is not valid TOML"),
        ConfigProblem("X", "is not set"),
    ]
    for _ in range(2):
        stage.clock.pass_(5)
        await stage.reloader.reload()
    assert stage.taken == []
    (notice,) = stage.reloader.outcome.notices
    assert "is not valid TOML" in notice.text
    assert "X is not set" in notice.text
    assert notice.since == 105.0
    assert stage.reloader.outcome.changed == 100.0
    assert "not taken over" in caplog.text
    stage.problems = []
    await stage.reloader.reload()
    assert stage.reloader.outcome.ok


async def test_two_who_ask_at_once_are_both_answered(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.loop = asyncio.get_running_loop()
    answers = await asyncio.gather(*(stage.reloader.reload_now() for _ in range(5)))
    assert answers == [""] * 5
    assert stage.reloader.outcome.ok
    stage.problems = [ConfigProblem("probe.toml", "no")]
    assert await stage.reloader.reload_now() == "probe.toml: no"


async def test_nothing_happens_between_new_windows_and_the_checks_that_are_in_them() -> None:
    """A check that is renamed with its window would be sent, its route's would go elsewhere."""
    seen: list[str] = []

    def reload(manager: AlertManager, config: object) -> None:
        seen.append("routes and windows")
        asyncio.get_running_loop().call_soon(seen.append, "something else")

    def set_checks(manager: AlertManager, checks: object) -> None:
        seen.append("checks")

    daemon = Daemon(settings_of("a"), lambda: settings_of("b"))
    with (
        mock.patch.object(AlertManager, "reload", reload),
        mock.patch.object(AlertManager, "set_checks", set_checks),
    ):
        assert await daemon.reloader.reload_now() == ""
        await asyncio.sleep(0)
    assert seen == ["routes and windows", "checks", "something else"]
