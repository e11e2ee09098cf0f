"""A process that is told to end in the middle of its measurements leaves no allocation."""

import asyncio
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from probe.lab import Lab
from tests.command import start
from tests.daemon.running import PATIENCE, daemon
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory

TERMINATED = 143
# Measurements that go on until somebody ends them: 300 s of echoes.
ENDLESS = "".join(
    f'[[{kind}]]\nname = "{kind}-{provider}-{way}"\nechoes = 1000\ndeadline = 300\n'
    for kind in ("turn", "call")
    for provider in ("primary", "backup")
    for way in ("udp", "tcp", "tls")
)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the lab tells nobody
            await asyncio.sleep(0.01)


def allocations(lab: Lab) -> int:
    return lab.primary.allocations + lab.backup.allocations


async def test_a_daemon_that_ends_deletes_what_it_has_allocated(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(ENDLESS)
    async with daemon(tmp_path, lab.environment(), "--only", "turn,call") as running:
        # The two that one user has at a time, of both providers.
        await until(lambda: allocations(lab) >= 4)
        assert await running.stop() == 0
    await until(lambda: allocations(lab) == 0)


async def test_a_single_run_that_is_ended_deletes_what_it_has_allocated(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "probe.toml").write_text(ENDLESS)
    arguments = ("--once", "--only", "turn,call", "--deadline", "300")
    process = await start(*arguments, cwd=tmp_path, env=lab.environment())
    try:
        await until(lambda: allocations(lab) >= 4)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == TERMINATED
    await until(lambda: allocations(lab) == 0)


def live(server: Coturn) -> int:
    """Allocations that coturn's log has seen made and not deleted."""
    made, deleted = set[str](), set[str]()
    for line in server.log.splitlines():
        # At the start of a line, or at its end (coturn 4.18).
        if (session := re.search(r"\bsession (\d+)", line)) is None:
            continue
        if "ALLOCATE processed, success" in line:
            made.add(session[1])
        elif "refreshed, " in line and re.search(r"lifetime=0\b", line):
            deleted.add(session[1])
    return len(made - deleted)


@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
async def test_coturn_is_informed_of_the_end_too(
    leaks: None, coturn: CoturnFactory, tmp_path: Path, way: str
) -> None:
    server = await asyncio.to_thread(coturn, CoturnConfig())
    urls = {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}
    variables = {
        "TURN_URLS": urls[way],
        "TURN_USERNAME": server.username,
        "TURN_PASSWORD": server.password,
        "PROBE_CA_FILE": str(server.ca_file),
    }
    (tmp_path / "probe.toml").write_text(
        f'[[turn]]\nname = "turn-primary-{way}"\nechoes = 1000\ndeadline = 300\n'
    )
    async with daemon(tmp_path, variables, "--only", "turn") as running:
        await until(lambda: live(server) == 2)
        assert await running.stop() == 0
    await until(lambda: live(server) == 0)
