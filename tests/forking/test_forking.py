"""A forked ``probe`` is what a new process is."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import probe, start
from tests.forking.network import tcp_socket_in
from tests.servers.netns import Namespace

CHECKED = {"BACKEND_URL": "http://127.0.0.1:9", "TZ": "America/Los_Angeles"}


def open_in(place: Path) -> dict[str, str]:
    """The pipes and sockets of a process by the numbers of its descriptors."""
    found = {}
    for each in (place / "fd").iterdir():
        with suppress(OSError):
            found[each.name] = os.readlink(each)
    return {name: what for name, what in found.items() if what.startswith(("pipe:", "socket:"))}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("list",),
        ("--once",),
        *(
            pytest.param(each, marks=pytest.mark.proof)
            for each in (("check-config",), ("alerts", "list"), ("rules",))
        ),
    ],
    ids=" ".join,
)
async def test_a_command_says_and_returns_what_a_new_process_does(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    forked = await probe(*arguments, cwd=tmp_path, env=CHECKED)
    new = await probe(*arguments, cwd=tmp_path, env=CHECKED, fork=False)
    assert forked.code == new.code
    assert [line.split()[:2] for line in (forked.out + forked.err).splitlines()] == [
        line.split()[:2] for line in (new.out + new.err).splitlines()
    ]


async def test_it_has_its_own_folder_and_descriptors(tmp_path: Path) -> None:
    process = await start("lab", cwd=tmp_path)
    assert process.stderr is not None
    await process.stderr.readline()
    place = Path(f"/proc/{process.pid}")
    assert (place / "cwd").readlink() == tmp_path
    ours = set(open_in(Path("/proc/self")).values())
    assert {name for name, what in open_in(place).items() if what in ours} <= {"0", "1", "2"}
    process.kill()
    await process.wait()


async def test_its_environment_is_what_was_given(tmp_path: Path) -> None:
    done = await probe("list", cwd=tmp_path, env={"BACKEND_URL": "http://127.0.0.1:9"})
    again = await probe("list", cwd=tmp_path)
    assert (done.code, again.code) == (0, 64)


async def test_a_signal_that_ends_it_is_its_negative_exit_code(tmp_path: Path) -> None:
    process = await start("lab", cwd=tmp_path)
    assert process.stderr is not None
    await process.stderr.readline()
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        process.kill()


async def test_many_at_once_are_apart(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
        (folder / ".env").write_text(f"BACKEND_URL=http://127.0.0.1:9{folder.name}\n")
    done = await asyncio.gather(*(probe("list", cwd=folder) for folder in folders))
    for folder, each in zip(folders, done, strict=True):
        assert f"http://127.0.0.1:9{folder.name}" in each.out
        assert each.code == 0


async def test_it_is_in_the_network_that_a_command_line_names(
    netns: Namespace, tmp_path: Path
) -> None:
    process = await start("lab", cwd=tmp_path, prefix=netns.prefix)
    assert process.stderr is not None
    await process.stderr.readline()
    inside = os.stat(f"/run/netns/{netns.name}").st_ino
    assert os.stat(f"/proc/{process.pid}/ns/net").st_ino == inside
    assert os.stat("/proc/self/ns/net").st_ino != inside
    with tcp_socket_in(netns.name) as within:
        within.bind((netns.address, 0))
    process.kill()
    await process.wait()
