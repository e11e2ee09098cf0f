"""TLS for the tests of all kinds: an authority, its certificate's file, a server's context."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.lab.certificates import Authority
from tests.servers.postgres import Postgres
from tests.servers.redis import RedisServer


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


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL with TLS and 20 connections."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with a password."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()
