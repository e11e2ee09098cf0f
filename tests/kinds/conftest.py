"""TLS for the tests of all kinds: an authority, its certificate's file, a server's context."""

import ssl
from pathlib import Path

import pytest

from probe.lab.certificates import Authority


@pytest.fixture
def authority() -> Authority:
    """A fresh authority, which issues certificates of any name and validity."""
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> Path:
    """What a client has to trust."""
    path = tmp_path / "ca.pem"
    authority.write(path)
    return path


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    """A server's context with a good certificate for loopback."""
    return authority.issue(["localhost", "127.0.0.1", "::1"])
