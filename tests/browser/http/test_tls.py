"""The probe and Chromium agree on which TLS servers a user reaches."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.browser.http.tls_servers import HOST, TlsServer, certificate, serving
from tests.servers.chromium import Chromium, Tab

TLS12 = ssl.TLSVersion.TLSv1_2
RSA_CIPHERS = (
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-CAMELLIA128-SHA256",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "AES128-SHA256",
    "AES256-SHA256",
    "AES128-CCM",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-SHA",
)
ECDSA_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-CCM",
)
KEYS = ("rsa-2048", "rsa-1024", "p-256", "p-384", "p-521", "ed25519", "ed448")
GROUPS = ("X25519", "prime256v1", "secp384r1", "secp521r1", "X448")
# The ssl module of Python before 3.15 can't leave these out of what a client offers.
NOT_EXPRESSIBLE = ("secp521r1", "X448")
SERVERS = (
    *(TlsServer(key=name) for name in KEYS),
    *(TlsServer(key=name, newest=TLS12) for name in KEYS),
    *(TlsServer(ciphers=each, newest=TLS12) for each in RSA_CIPHERS),
    *(TlsServer("p-256", each, newest=TLS12) for each in ECDSA_CIPHERS),
    *(TlsServer(group=each, expressible=each not in NOT_EXPRESSIBLE) for each in GROUPS),
)


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser that takes self-signed certificates: only what is negotiated counts here."""
    # A blank page may otherwise not ask a server of the local network.
    flags = ("--ignore-certificate-errors", "--disable-web-security")
    async with Chromium(tmp_path, *flags) as chromium:
        opened = await chromium.tab()
        await opened.open("about:blank")
        yield opened


async def browser_reaches(tab: Tab, port: int) -> bool:
    """Whether a page of Chromium gets an answer, by the second try at the latest: it gives up
    what is under way when an interface appears, which other tests' namespaces have."""
    asked = f"fetch('https://{HOST}:{port}/').then(answer => answer.ok, () => false)"
    return bool(await tab.evaluate(asked) or await tab.evaluate(asked))


async def probe_reaches(port: int, ca_file: Path) -> bool:
    """Whether the ``http`` check passes; a failure has to be one of TLS, in its phase."""
    table = {"name": "page", "url": f"https://{HOST}:{port}/", "ca_file": ca_file, "deadline": 20}
    result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    if result.failure is not None:
        assert result.failure.phase == "tls", result.failure
        assert result.failure.cause.value in ("tls_failed", "tls_invalid"), result.failure
    return result.status is Status.OK


@pytest.mark.parts
async def test_chromium_and_the_probe_reach_the_same_tls_servers(tab: Tab, tmp_path: Path) -> None:
    rows = []
    for server in SERVERS:
        async with serving(server, tmp_path) as port:
            browser = await browser_reaches(tab, port)
            here = await probe_reaches(port, certificate(tmp_path, server.key))
        rows.append((server, browser, here))
        print(f"{server.name:50} Chromium {browser!s:6} probe {here}")
    assert [row for row in rows if row[1] != row[2] and row[0].expressible] == []
    # Should Python learn to choose groups, this says so.
    assert all(here and not browser for server, browser, here in rows if not server.expressible)
