"""aiohttp's own TLS contexts are empty, and those of its connections trust the authorities."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CONTEXTS = """
import gc, os, ssl
import {module}
found = [each for each in gc.get_objects() if isinstance(each, ssl.SSLContext)]
print(len(found), sum(each.cert_store_stats()["x509"] for each in found))
print(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
"""
_DELIVERY = """
import asyncio, sys
import probe.commands.daemon
from pathlib import Path
from aiohttp import ClientError, web
from alerts.notifiers.session import session_for_attempt
from probe.lab.certificates import Authority
from probe.net.flow.capped_socket import capped_connector
import aiohttp
async def main(folder):
    trusted, other = Authority(), Authority()
    trusted.write(folder / "ca.pem")
    app = web.Application()
    app.add_routes([web.post("/", lambda request: web.Response(text="taken"))])
    app = web.AppRunner(app)
    await app.setup()
    for authority in (trusted, other):
        site = web.TCPSite(app, "127.0.0.1", 0, ssl_context=authority.issue(["127.0.0.1"]))
        await site.start()
        url = f"https://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/"
        for session in (
            session_for_attempt(1000), aiohttp.ClientSession(connector=capped_connector(1000))
        ):
            async with session as client:
                try:
                    async with client.post(url) as response:
                        print(response.status)
                except ClientError as error:
                    print(type(error).__name__)
    await app.cleanup()
asyncio.run(main(Path(sys.argv[1])))
"""


def _run(script: str, *arguments: str, **variables: str) -> list[str]:
    plain = {name: each for name, each in os.environ.items() if not name.startswith("SSL_CERT")}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**plain, **variables}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    "module", ["probe.commands.daemon", "probe.commands.lab", "alerts.notifiers.slack_client"]
)
def test_the_contexts_that_aiohttp_makes_hold_no_authorities(module: str) -> None:
    assert _run(_CONTEXTS.format(module=module)) == ["2 0", "None None"]


def test_the_import_leaves_the_variable_of_the_authorities_as_it_is() -> None:
    script = _CONTEXTS.format(module="alerts.notifiers.slack_client")
    assert _run(script, SSL_CERT_FILE="a.pem")[1] == "a.pem None"


def test_a_receiver_is_reached_whose_authority_is_trusted_and_no_other(tmp_path: Path) -> None:
    found = _run(_DELIVERY, str(tmp_path), SSL_CERT_FILE=str(tmp_path / "ca.pem"))
    refused = "ClientConnectorCertificateError"
    assert found == ["200", "200", refused, refused]
