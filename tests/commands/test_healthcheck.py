"""``probe healthcheck`` asks the daemon where it listens, however that is configured."""

import asyncio
from pathlib import Path

import pytest

from probe.commands.healthcheck import liveness_problem
from tests.command import probe
from tests.hostile.servers import http, serving
from tests.servers.certificate import make_certificate


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_it_says_whether_healthz_answers(status: int, code: int, tmp_path: Path) -> None:
    async with serving(http(b"alive", status)) as port:
        listen = {"PROBE_LISTEN": f"127.0.0.1:{port}"}
        done = await probe("healthcheck", cwd=tmp_path, env=listen)
    assert done.code == code, done.err


async def test_a_daemon_that_listens_everywhere_is_found(tmp_path: Path) -> None:
    async with serving(http(b"alive")) as port:
        done = await probe("healthcheck", cwd=tmp_path, env={"PROBE_LISTEN": f"[::]:{port}"})
    assert done.code == 0, done.err


async def test_where_nothing_listens_it_says_so(tmp_path: Path) -> None:
    done = await probe("healthcheck", cwd=tmp_path, env={"PROBE_LISTEN": "127.0.0.1:1"})
    assert done.code == 1
    assert done.err == "probe: 127.0.0.1 port 1: connection refused\n"


async def test_a_daemon_that_speaks_tls_is_alive(tmp_path: Path) -> None:
    import ssl

    found = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found.cert_file, found.key_file)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(liveness_problem, "127.0.0.1", port, encrypted=True) == ""
        assert await asyncio.to_thread(liveness_problem, "127.0.0.1", port, encrypted=False) != ""


async def test_a_variable_in_a_file_counts_too(tmp_path: Path) -> None:
    async with serving(http(b"alive")) as port:
        (tmp_path / ".env").write_text(f"PROBE_LISTEN=127.0.0.1:{port}\n")
        done = await probe("healthcheck", cwd=tmp_path)
    assert done.code == 0, done.err


async def test_a_wrong_address_is_a_wrong_configuration(tmp_path: Path) -> None:
    done = await probe("healthcheck", cwd=tmp_path, env={"PROBE_LISTEN": "nonsense"})
    assert done.code == 64
    assert "HOST:PORT" in done.err
