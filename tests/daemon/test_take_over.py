"""A reloaded configuration is taken over in one step."""

import asyncio
import logging
from unittest import mock

from alerts.manager import AlertManager
from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.daemon.daemon import Daemon
from tests.fake_kind import toy


def settings(*names: str) -> Settings:
    """Of a configuration with these checks."""
    return Settings(CheckPlan(tuple(toy(name) for name in names)), "lax", logging.INFO)


async def test_nothing_happens_between_new_windows_and_the_checks_that_are_in_them() -> None:
    """A check that is renamed with its window would be sent, its route's would go elsewhere."""
    seen: list[str] = []

    def reload(manager: AlertManager, config: object) -> None:
        seen.append("routes and windows")
        asyncio.get_running_loop().call_soon(seen.append, "something else")

    def set_checks(manager: AlertManager, checks: object) -> None:
        seen.append("checks")

    daemon = Daemon(settings("a"), lambda: settings("b"))
    with (
        mock.patch.object(AlertManager, "reload", reload),
        mock.patch.object(AlertManager, "set_checks", set_checks),
    ):
        assert await daemon.reloader.reload_now() == ""
        await asyncio.sleep(0)
    assert seen == ["routes and windows", "checks", "something else"]
