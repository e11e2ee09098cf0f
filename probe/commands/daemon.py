"""``probe``: run as a daemon until stopped."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from probe.net.flow import aiohttp_import  # noqa: F401  before whatever imports aiohttp

# isort: split

from probe.commands.settings_loading import print_problems, settings_for
from probe.commands.signals import SignalThread
from probe.commands.terminal import style_for
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.resources import hand_on_interpreter_soon, raise_descriptor_limit
from probe.daemon.daemon import Daemon
from probe.daemon.serving.web_access import exposure_of, security_of
from probe.diagnostics import logging_setup, sentry
from probe.diagnostics.private_files import create_privately, make_private
from probe.diagnostics.redact import Redactor
from probe.exit_codes import USAGE_ERROR
from probe.net import proxies
from probe.once import probe_version
from probe.storage.bus_error import BusErrorGuard
from probe.storage.lock import FolderInUse, FolderLock
from probe.web.exposure import listening

logger = logging.getLogger(__name__)

# How long the last log lines may take, should the stream not be read.
LAST_LINES_SECONDS = 1.0


def run(options: Mapping[str, Any]) -> int:
    """Run until SIGTERM (0) or Ctrl-C (130); 64 for an invalid configuration."""
    create_privately()
    raise_descriptor_limit()
    hand_on_interpreter_soon()
    signals, guard = SignalThread(), BusErrorGuard()
    guard.start()
    signals.start()
    try:
        return asyncio.run(_run(options, signals, guard))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    finally:
        logging_setup.flush(LAST_LINES_SECONDS)


async def _run(options: Mapping[str, Any], signals: SignalThread, guard: BusErrorGuard) -> int:
    async with AsyncExitStack() as stack:
        environment = None
        if options["lab"]:
            from probe.lab import Lab

            environment = (await stack.enter_async_context(Lab())).environment()

        def load() -> Settings:
            return settings_for(options, environment)

        settings = load()
        lock = _lock(settings)
        try:
            return await _watch(settings, load, signals, guard)
        finally:
            if lock is not None:
                lock.release()


def _lock(settings: Settings) -> FolderLock | None:
    """The data folder for this process alone. Raises ConfigurationError."""
    if settings.service.data is None:
        return None
    lock = FolderLock(settings.service.data)
    try:
        lock.take()
    except FolderInUse as error:
        raise ConfigurationError([ConfigProblem("PROBE_DATA", str(error))]) from None
    return lock


async def _watch(
    settings: Settings, load: Callable[[], Settings], signals: SignalThread, guard: BusErrorGuard
) -> int:
    security = security_of(settings.service)
    _set_up_logging(settings)
    if exposed := exposure_of(settings.service, security):
        logger.warning("%s", exposed)
    for unkept in settings.service.folder_warnings:
        logger.warning("%s", unkept)
    _log_proxies()
    daemon = Daemon(settings, load, security=security)
    guard.record = daemon.record_restart
    task = asyncio.create_task(daemon.run(started=lambda: _print_address(daemon)))
    signals.attach(task.cancel, daemon.reloader.request_reload)
    try:
        await task
    except asyncio.CancelledError:
        if signals.exit_code is not None:
            return signals.exit_code
        raise
    except OSError as error:
        host, port = settings.service.listen
        problem = f"can't listen on {host} port {port}: {error.strerror or error}"
        raise ConfigurationError([ConfigProblem("PROBE_LISTEN", problem)]) from None
    finally:
        await sentry.close()
    return 0


def _set_up_logging(settings: Settings) -> None:
    """Set up the log and the reporting of our own errors."""
    service = settings.service
    if service.data is not None:
        make_private(service.data)
    redactor = Redactor(settings.secrets)
    style = style_for(sys.stderr, os.environ)
    form = service.log_format or ("console" if sys.stderr.isatty() else "json")
    logging_setup.configure(
        settings.log_level, form, sys.stderr, redactor, colour=style.colour, background=True
    )
    dsn = service.sentry_dsn.get_secret_value() if service.sentry_dsn else None
    sentry.start(
        dsn,
        release=f"paircam-probe@{probe_version()}",
        environment=os.environ.get("FLY_APP_NAME", "probe"),
        region=settings.region,
        redactor=redactor,
    )


def _log_proxies() -> None:
    """Log which proxies are used for what, and which of the environment's can't be used."""
    for problem in proxies.warnings():
        logger.warning("%s", problem)
    if proxied := proxies.proxies_text():
        logger.info("%s", proxied)


def _print_address(daemon: Daemon) -> None:
    host, port = daemon.address
    logging_setup.event(
        logger,
        logging.INFO,
        listening(host, port, encrypted=daemon.is_encrypted),
        version=probe_version(),
    )
