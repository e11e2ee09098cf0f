"""Chromium and the ``http`` check beside each other."""

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest import mock

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.asking import outcome_of_check
from tests.browser.http.certificates.case import ROOTS, CertificateRow, authority
from tests.browser.http.certificates.trust import trust
from tests.browser.http.test_situations import of_chromium
from tests.servers.chromium import Chromium, Tab
from tests.servers.pages import Pages, answers

GROUPS = "group of certificates"
_HERE = "127.0.0.1"


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that knows the roots, and finds all names on this machine."""
    home = folder / "home"
    trust(home, [roots(folder, name) for name in ROOTS])
    names = f"--host-resolver-rules=MAP *.test {_HERE}, MAP *.test. {_HERE}"
    with mock.patch.dict(os.environ, HOME=str(home)):
        async with Chromium(folder, names) as chromium:
            yield await chromium.tab()


def roots(folder: Path, name: str = "") -> Path:
    """One of the roots in a file, or all of them."""
    file = folder / f"{name or 'all'}.pem"
    if not file.exists():
        wanted = [name] if name else list(ROOTS)
        file.write_bytes(b"".join(_pem(authority(each)) for each in wanted))
    return file


async def outcome_of_chromium(row: CertificateRow, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with _serving(row, folder) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: CertificateRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with _serving(row, folder) as url:
        with _all_names_here():
            return await outcome_of_check(url, roots(folder))


@asynccontextmanager
async def _serving(row: CertificateRow, folder: Path) -> AsyncIterator[str]:
    async with Pages(answers(200, b"ok"), tls=server_context(row, folder)) as pages:
        yield f"https://{row.host}:{pages.port}/"


def server_context(row: CertificateRow, folder: Path) -> ssl.SSLContext:
    """What the server shows."""
    chain = row.make()
    key = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(b"".join(map(_pem, chain)) + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(file)
    return context


def _pem(issued: object) -> bytes:
    return issued.certificate.public_bytes(Encoding.PEM)  # type: ignore[attr-defined, no-any-return]


@contextmanager
def _all_names_here() -> Iterator[None]:
    async def here(host: str, port: int) -> list[Address]:
        name = host.removesuffix(".")
        return await resolve(_HERE if name.endswith(".test") else host, port)

    with mock.patch.object(http, "resolve", here):
        yield
