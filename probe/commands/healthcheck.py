"""``probe healthcheck``: asks the daemon of this machine whether it lives, as it is configured."""

import http.client
import ssl
from collections.abc import Mapping
from typing import Any

import click

from probe.commands.settings_loading import read_own_environment, say_mistakes
from probe.config.settings import listen_address
from probe.core.environment import ConfigurationError
from probe.exit_codes import USAGE_ERROR

TIMEOUT_SECONDS = 5.0
UNHEALTHY = 1
_EVERY = {"::": ("::1", "127.0.0.1"), "0.0.0.0": ("127.0.0.1",)}


def run(options: Mapping[str, Any]) -> int:
    """0 where /healthz answers 200, 1 where it does not, 64 for a wrong configuration."""
    try:
        environment = read_own_environment(options)
    except ConfigurationError as error:
        say_mistakes(error)
        return USAGE_ERROR
    host, port = listen_address(environment.listen)
    chosen = options["web_config_file"] or environment.web_config_file
    encrypted = chosen is not None
    problems = []
    for address in _EVERY.get(host, (host,)):
        problem = ask(address, port, encrypted=encrypted)
        if not problem:
            return 0
        problems.append(f"{address} port {port}: {problem}")
    click.echo(f"probe: {'; '.join(problems)}", err=True)
    return UNHEALTHY


def ask(host: str, port: int, *, encrypted: bool) -> str:
    """What is wrong with the daemon there; empty where it is alive.

    ``encrypted``: it may speak TLS. Its certificate is for others, so it is not verified, and
    a server that wants a client's certificate lives as well.
    """
    problem = _ask(http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS))
    if not problem or not encrypted:
        return problem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return _ask(http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context))


def _ask(connection: http.client.HTTPConnection) -> str:
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except ssl.SSLError as error:
        wants_certificate = "CERTIFICATE_REQUIRED" in (error.reason or "")
        return "" if wants_certificate else f"TLS: {error.reason or 'failed'}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"/healthz answers {status}"
