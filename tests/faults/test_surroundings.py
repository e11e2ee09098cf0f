"""A real daemon goes through one incident while what surrounds it fails: it triggers once, resolves
once, and lives on until it is asked to end."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.incident import CONFIG, PATIENCE, PROBE, Surroundings, environment, launch
from tests.servers.ports import free_port

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]

Process = asyncio.subprocess.Process


@asynccontextmanager
async def _running(
    world: Surroundings, folder: Path, stderr: int | None = None, **more: str
) -> AsyncIterator[Process]:
    """A daemon that has looked at the target; it is asked to end, and ends well."""
    (folder / "probe.toml").write_text(CONFIG.format(url=world.url), encoding="utf-8")
    daemon = await _launched(folder, environment(world, folder) | more, stderr)
    try:
        await _looks_on(world, 2, "the start")
        yield daemon
        if daemon.returncode is None:
            daemon.terminate()
            async with asyncio.timeout(PATIENCE):
                assert await daemon.wait() == 0
    finally:
        if daemon.returncode is None:
            with suppress(ProcessLookupError):
                daemon.kill()
            await daemon.wait()


async def _launched(folder: Path, values: Mapping[str, str], stderr: int | None) -> Process:
    if stderr is None:
        return await launch(folder, values)
    return await asyncio.create_subprocess_exec(
        str(PROBE), cwd=folder, env=dict(values), stdout=stderr, stderr=stderr
    )


async def _looks_on(world: Surroundings, count: int, what: str) -> None:
    seen = world.looks + count
    await world.until(lambda: world.looks >= seen, f"look after {what}")


async def _triggered(world: Surroundings) -> None:
    world.is_down = True
    await world.until(lambda: world.count("trigger") > 0, "trigger")


async def _resolved(world: Surroundings) -> None:
    world.is_down = False
    await world.until(lambda: world.count("resolve") > 0, "resolve")
    assert (world.count("trigger"), world.count("resolve")) == (1, 1)


async def test_a_stderr_that_is_never_read_stops_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    try:
        async with (
            Surroundings().serve() as world,
            _running(world, tmp_path, writer, LOG_LEVEL="debug"),
        ):
            await _triggered(world)
            await _resolved(world)
    finally:
        os.close(reader)
        os.close(writer)


async def test_idle_connections_that_take_all_descriptors_stop_nothing(tmp_path: Path) -> None:
    port = free_port()
    async with Surroundings().serve() as world:
        listen = {"PROBE_LISTEN": f"127.0.0.1:{port}"}
        async with _running(world, tmp_path, None, **listen) as daemon:
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (128, 128))
            with ExitStack() as idle:
                for _ in range(200):
                    with suppress(OSError):
                        idle.enter_context(socket.create_connection(("127.0.0.1", port), 1.0))
                await _triggered(world)
            await _resolved(world)


def _put_in_place(new: Path, path: Path) -> None:
    """A directory and a file don't take each other's place."""
    if path.is_dir():
        path.rmdir()
    elif new.is_dir():
        path.unlink()
    new.rename(path)


def _odd_files() -> dict[str, Callable[[Path], object]]:
    """What can take the place of ``probe.toml``."""
    return {
        "FIFO": os.mkfifo,
        "directory": Path.mkdir,
        "dangling link": lambda path: path.symlink_to(path / "nowhere"),
        "link to a device": lambda path: path.symlink_to("/dev/zero"),
        "5,000 digits": lambda path: path.write_text(f"a = {'9' * 5000}\n"),
        "3,000 brackets": lambda path: path.write_text(f"a = {'[' * 3000}{']' * 3000}\n"),
        "dotted keys": lambda path: path.write_text(f"{'a.' * 50_000}a = 1\n"),
        "tables in tables": lambda path: path.write_text(f"[{'a.' * 20_000}a]\n"),
        "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe\x00"),
        "a megabyte of comment": lambda path: path.write_bytes(b"#" * (1 << 21)),
    }


async def test_a_reload_of_whatever_stands_in_the_place_of_the_file_changes_nothing(
    tmp_path: Path,
) -> None:
    path, aside = tmp_path / "probe.toml", tmp_path / "aside"
    async with Surroundings().serve() as world, _running(world, tmp_path) as daemon:
        await _triggered(world)
        path.rename(aside)
        for place, (what, make) in enumerate(_odd_files().items()):
            new = tmp_path / f"new-{place}"
            make(new)
            _put_in_place(new, path)
            daemon.send_signal(signal.SIGHUP)
            await _looks_on(world, 3, what)
            assert daemon.returncode is None, what
        aside.rename(path)
        daemon.send_signal(signal.SIGHUP)
        await _resolved(world)


async def test_a_second_daemon_on_the_folder_ends_and_doubles_nothing(tmp_path: Path) -> None:
    async with Surroundings().serve() as world, _running(world, tmp_path) as daemon:
        await _triggered(world)
        second = await asyncio.create_subprocess_exec(
            str(PROBE),
            cwd=tmp_path,
            env=environment(world, tmp_path),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            _, said = await second.communicate()
        assert second.returncode == 64
        assert str(daemon.pid) in said.decode()
        await _resolved(world)


def _remove_each(data: Path) -> None:
    for path in data.iterdir():
        path.unlink()


def _fill_with_garbage(data: Path) -> None:
    for path in data.iterdir():
        path.write_bytes(b"\xb8 no database" * 500)


def _move_away(data: Path) -> None:
    data.rename(data.with_name("elsewhere"))


def _put_folders_in_their_place(data: Path) -> None:
    for path in data.iterdir():
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize(
    "spoil", [_remove_each, _fill_with_garbage, _move_away, _put_folders_in_their_place]
)
async def test_what_is_triggered_after_its_files_are_spoilt_is_resolved_by_the_next_process(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    async with Surroundings().serve() as world:
        async with _running(world, tmp_path) as daemon:
            spoil(tmp_path / "data")
            await _triggered(world)
            # What is sent is recorded before, and what was accepted soon after.
            await _looks_on(world, 5, "the trigger")
            daemon.kill()
            await daemon.wait()
        world.is_down = False
        async with _running(world, tmp_path):
            await _resolved(world)


def _cut_short(folder: Path, pattern: str) -> None:
    found = [*folder.rglob(pattern)]
    assert found
    for path in found:
        os.truncate(path, 0)


@pytest.mark.parametrize("name", ["alerts.sqlite-shm", "both"])
async def test_an_index_cut_short_while_it_is_mapped_starts_the_process_anew(
    tmp_path: Path, name: str
) -> None:
    """The same process id, one trigger and one resolve, and the log says why."""
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        async with (
            Surroundings().serve() as world,
            _running(world, tmp_path, stderr.fileno()) as daemon,
        ):
            await _triggered(world)
            _cut_short(tmp_path, "*-shm" if name == "both" else name)
            await _looks_on(world, 3, "the cut")
            await _resolved(world)
            assert daemon.returncode is None
    text = log.read_text(errors="replace")
    assert "SIGBUS" in text
    assert "started anew" in text
