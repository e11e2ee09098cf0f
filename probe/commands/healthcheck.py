"""``probe healthcheck``: asks the daemon of this machine whether it is alive, using its
configuration."""

import http.client
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from probe.config.listen import DEFAULT_LISTEN, check_listen, listen_address
from probe.exit_codes import USAGE_ERROR
from probe.net.flow.blocking_connection import DeadlineHttp, DeadlineHttps
from probe.net.flow.blocking_deadline import BlockingDeadline

_LISTEN, _WEB_CONFIG = "PROBE_LISTEN", "PROBE_WEB_CONFIG_FILE"
TIMEOUT_SECONDS = 5.0
UNHEALTHY = 1
_EVERY = {"::": ("::1", "127.0.0.1"), "0.0.0.0": ("127.0.0.1",)}


def run(options: Mapping[str, Any]) -> int:
    """0 where /healthz answers 200, 1 where it does not, 64 for an invalid configuration."""
    try:
        listen, web_config = _from_environment(options) or _from_everywhere(options)
        host, port = _address(listen)
    except ValueError as error:
        click.echo(f"probe: {error}", err=True)
        return USAGE_ERROR
    problems = []
    for address in _EVERY.get(host, (host,)):
        problem = liveness_problem(
            address, port, encrypted=bool(options["web_config_file"] or web_config)
        )
        if not problem:
            return 0
        problems.append(f"{address} port {port}: {problem}")
    click.echo(f"probe: {'; '.join(problems)}", err=True)
    return UNHEALTHY


def _address(listen: str) -> tuple[str, int]:
    try:
        return listen_address(check_listen(listen))
    except ValueError as error:
        raise ValueError(f"{_LISTEN}: {error}") from None


def _from_environment(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """The address, from the environment alone; None where a file may set it.

    Loading the whole configuration takes half a second of CPU and 47 MB, twice a minute in the
    monitored container.
    """
    folder = Path(os.environ.get("PROBE_SECRETS_DIR") or "/run/secrets")
    if options["env_file"] is not None or Path(".env").exists():
        return None
    for name in (_LISTEN, _WEB_CONFIG):
        if os.environ.get(f"{name}_FILE") or (folder / name).exists():
            return None
    listen = os.environ.get(_LISTEN, "").strip() or DEFAULT_LISTEN
    return listen, os.environ.get(_WEB_CONFIG, "").strip()


def _from_everywhere(options: Mapping[str, Any]) -> tuple[str, str]:
    """The same from the whole configuration. Raises ValueError."""
    from probe.commands.settings_loading import read_own_environment
    from probe.core.environment import ConfigurationError

    try:
        found = read_own_environment(options)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return found.listen, str(found.web_config_file or "")


def liveness_problem(host: str, port: int, *, encrypted: bool) -> str:
    """What is wrong with the daemon there; empty where it is alive.

    ``encrypted``: it may speak TLS. Its certificate is for others, so it is not verified, and a
    server that requires a client certificate counts as alive.
    """
    problem = _request(DeadlineHttp(host, port, timeout=TIMEOUT_SECONDS))
    if not problem or not encrypted:
        return problem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return _request(DeadlineHttps(host, port, timeout=TIMEOUT_SECONDS, context=context))


def _request(connection: http.client.HTTPConnection) -> str:
    try:
        with BlockingDeadline(TIMEOUT_SECONDS) as deadline:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
            if deadline.passed:
                raise TimeoutError("timed out")
    except ssl.SSLError as error:
        wants_certificate = "CERTIFICATE_REQUIRED" in (error.reason or "")
        return "" if wants_certificate else f"TLS: {error.reason or 'failed'}"
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        return (reason or str(error) or type(error).__name__).lower()
    finally:
        connection.close()
    return "" if status == http.client.OK else f"/healthz answers {status}"
