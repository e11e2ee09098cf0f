"""``probe``: keep watching until stopped."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from probe.commands.settings_loading import say_mistakes, settings_for
from probe.commands.terminal import style_for
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.daemon.daemon import Daemon
from probe.diagnostics import logging_setup, sentry
from probe.diagnostics.redact import Redactor
from probe.exit_codes import INTERRUPTED, USAGE_ERROR
from probe.net import proxies
from probe.once import probe_version

logger = logging.getLogger(__name__)


def run(options: Mapping[str, Any]) -> int:
    """Run until SIGTERM (0) or Ctrl-C (130); 64 for a configuration that is wrong."""
    try:
        return asyncio.run(_run(options))
    except ConfigurationError as error:
        say_mistakes(error)
        return USAGE_ERROR


async def _run(options: Mapping[str, Any]) -> int:
    async with AsyncExitStack() as stack:
        environment = None
        if options["lab"]:
            from probe.lab import Lab

            environment = (await stack.enter_async_context(Lab())).environment()

        def load() -> Settings:
            return settings_for(options, environment)

        return await _watch(load(), load)


async def _watch(settings: Settings, load: Callable[[], Settings]) -> int:
    _tell(settings)
    _log_proxies()
    daemon = Daemon(settings, load)
    task = asyncio.create_task(daemon.run(started=lambda: _say_where(daemon)))
    ends = _on_signals(task, daemon.reloader.request_reload)
    try:
        await task
    except asyncio.CancelledError:
        if ends:
            return ends[0]
        raise
    except OSError as error:
        host, port = settings.service.listen
        problem = f"can't listen on {host} port {port}: {error.strerror or error}"
        raise ConfigurationError([ConfigProblem("PROBE_LISTEN", problem)]) from None
    finally:
        await sentry.close()
    return 0


def _tell(settings: Settings) -> None:
    """Set up the log and the reporting of our own errors."""
    service = settings.service
    redactor = Redactor(settings.secrets)
    style = style_for(sys.stderr, os.environ)
    form = service.log_format or ("console" if sys.stderr.isatty() else "json")
    logging_setup.configure(settings.log_level, form, sys.stderr, redactor, colour=style.colour)
    dsn = service.sentry_dsn.get_secret_value() if service.sentry_dsn else None
    sentry.start(
        dsn,
        release=f"paircam-probe@{probe_version()}",
        environment=os.environ.get("FLY_APP_NAME", "probe"),
        region=settings.region,
        redactor=redactor,
    )


def _log_proxies() -> None:
    """Say which proxies lead where, and which of the environment's can't be used."""
    for problem in proxies.warnings():
        logger.warning("%s", problem)
    if proxied := proxies.in_words():
        logger.info("%s", proxied)


def _say_where(daemon: Daemon) -> None:
    host, port = daemon.address
    shown = "localhost" if host in ("::", "0.0.0.0") else host
    logging_setup.event(
        logger,
        logging.INFO,
        f"the status page is on http://{shown}:{port}/",
        version=probe_version(),
    )


def _on_signals(task: "asyncio.Task[None]", reload: Callable[[], None]) -> list[int]:
    """SIGTERM and Ctrl-C end the daemon, SIGHUP has it read its configuration again.

    Returns a list that will hold the exit code of the signal that came first.
    """
    ends: list[int] = []

    def end(code: int) -> None:
        if not ends:
            ends.append(code)
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end, 0)
    loop.add_signal_handler(signal.SIGINT, end, INTERRUPTED)
    loop.add_signal_handler(signal.SIGHUP, reload)
    return ends
