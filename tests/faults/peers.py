"""``make faults-peers``: the same faults for the probe, Gatus and Alertmanager, as a table.

``python -m tests.faults.peers``. Each cell says what the receiver accepted of one incident. Of
Alertmanager, which checks nothing itself, somebody else sends the alert each second.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.faults.peer_world import PROGRAMS, PeerWorld, Program
from tests.servers.ports import free_port

WORKERS = 3
# Longer than the patience of a receiver that fails.
FAILS_SECONDS = 20.0


async def nothing(world: PeerWorld) -> str:
    """No fault."""
    await world.start()
    await world.incident()
    return ""


async def disk_full(world: PeerWorld) -> str:
    """disk full"""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(world.data)]
    if await asyncio.to_thread(subprocess.call, mount):
        return "not tried: needs root"
    try:
        await world.start()
        with suppress(OSError), (world.data / "filler").open("wb") as filler:
            while True:
                filler.write(b"x" * 4096)
                filler.flush()
        await world.incident()
    finally:
        await asyncio.to_thread(subprocess.call, ["umount", "-l", str(world.data)])
    return ""


async def removed(world: PeerWorld) -> str:
    """data directory removed, incident, kill -9 while it fires, recovery before the next start"""
    process = await world.start()
    shutil.rmtree(world.data)
    world.is_down = True
    await world.until("firing")
    await asyncio.sleep(3)
    return await _killed(world, process)


async def garbage(world: PeerWorld) -> str:
    """stopped while it fires, all its files overwritten, recovery before the next start"""
    process = await world.start()
    world.is_down = True
    await world.until("firing")
    process.terminate()
    await process.wait()
    for path in filter(Path.is_file, world.data.iterdir()):
        path.write_bytes(b"\xb8 garbage" * 500)
    world.is_down = False
    process = await world.start()
    await world.until("resolved")
    return _ended(process) or "starts"


async def killed(world: PeerWorld) -> str:
    """kill -9 while it fires, recovery before the next start"""
    process = await world.start()
    world.is_down = True
    await world.until("firing")
    await asyncio.sleep(1)
    return await _killed(world, process)


async def _killed(world: PeerWorld, process: asyncio.subprocess.Process) -> str:
    process.kill()
    await process.wait()
    world.is_down = False
    await world.start()
    await world.until("resolved")
    return ""


async def killed_on(world: PeerWorld) -> str:
    """kill -9 while it fires, recovery 10 s after the next start"""
    process = await world.start()
    world.is_down = True
    await world.until("firing")
    await asyncio.sleep(1)
    process.kill()
    await process.wait()
    await world.start()
    await asyncio.sleep(10)
    world.is_down = False
    await world.until("resolved")
    return ""


async def second(world: PeerWorld) -> str:
    """second process on the same data directory"""
    await world.start()
    world.port, first = free_port(), world.port
    world.configure(world.program.configuration(world))
    other = await world.start()
    if other.returncode is not None:
        world.port = first
    await world.incident()
    await asyncio.sleep(5)
    return _ended(other) or "both run"


async def descriptors(world: PeerWorld) -> str:
    """idle connections on all descriptors"""
    world.prefix = ("prlimit", "--nofile=96:96")
    process = await world.start()
    with ExitStack() as idle:
        for _ in range(150):
            with suppress(OSError):
                address = ("127.0.0.1", world.port)
                idle.enter_context(socket.create_connection(address, 1.0))
        world.is_down = True
        within = await world.until("firing", seconds=FAILS_SECONDS)
        answers = await world.responds()
    world.is_down = False
    await world.until("resolved", seconds=FAILS_SECONDS)
    said = [] if answers else ["its page does not answer"]
    said += [] if within else ["nothing sent meanwhile"]
    return _ended(process) or ", ".join(said)


async def unread(world: PeerWorld) -> str:
    """stderr is not read"""
    reader, world.stderr = os.pipe()
    os.set_blocking(world.stderr, False)
    with suppress(BlockingIOError):
        while True:
            os.write(world.stderr, b"x" * 4096)
    os.set_blocking(world.stderr, True)
    try:
        await world.start()
        await world.incident()
        return "" if await world.responds() else "its page does not answer"
    finally:
        os.close(reader)
        os.close(world.stderr)


async def refuses_trigger(world: PeerWorld) -> str:
    """receiver answers 500 for 20 s when it fires"""
    await world.start()
    world.answers, world.is_down = 500, True
    await asyncio.sleep(FAILS_SECONDS)
    world.answers = 200
    await world.incident()
    return ""


async def refuses_resolve(world: PeerWorld) -> str:
    """receiver answers 500 for 20 s when it recovers"""
    await world.start()
    world.is_down = True
    await world.until("firing")
    world.answers, world.is_down = 500, False
    await asyncio.sleep(FAILS_SECONDS)
    world.answers = 200
    await world.until("resolved")
    return ""


async def odd_reload(world: PeerWorld) -> str:
    """configuration of 3,000 brackets, reload, incident"""
    process = await world.start()
    world.configure(f"a = {'[' * 3000}\n")
    if not world.program.watches:
        process.send_signal(signal.SIGHUP)
    await asyncio.sleep(40)
    if process.returncode is None:
        await world.incident()
    return _ended(process)


async def stopped(world: PeerWorld) -> str:
    """SIGSTOP for 30 s, then an incident"""
    process = await world.start()
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(30)
    process.send_signal(signal.SIGCONT)
    await world.incident()
    return ""


FAULTS: tuple[Callable[[PeerWorld], Awaitable[str]], ...] = (
    *(nothing, disk_full, removed, garbage, killed, killed_on, second, descriptors, unread),
    *(refuses_trigger, refuses_resolve, odd_reload, stopped),
)


def _ended(process: asyncio.subprocess.Process) -> str:
    return "" if process.returncode is None else f"exit {process.returncode}"


async def play(program: Program, fault: Callable[[PeerWorld], Awaitable[str]]) -> str:
    """What became of one incident of one program with one fault."""
    with tempfile.TemporaryDirectory() as folder:
        world = PeerWorld(program, Path(folder))
        await world.open()
        try:
            async with asyncio.timeout(300):
                said = await fault(world)
        except TimeoutError:
            said = "not over within 300 s"
        finally:
            await world.close()
    counts = f"{world.got.count('firing')} firing, {world.got.count('resolved')} resolved"
    # That incidents may have been left open, where nothing is left to know it from.
    counts += ", a note" if "note" in world.got else ""
    return f"{counts}; {said}" if said else counts


async def table() -> str:
    """Every fault for every program that is installed."""
    free = asyncio.Semaphore(WORKERS)
    programs = [each for each in PROGRAMS if each.name == "probe" or shutil.which(each.name)]

    async def one(program: Program, fault: Callable[[PeerWorld], Awaitable[str]]) -> str:
        async with free:
            found = await play(program, fault)
            print(f"{program.name}, {fault.__name__}: {found}", file=sys.stderr, flush=True)
            return found

    rows = [asyncio.gather(*(one(each, fault) for each in programs)) for fault in FAULTS]
    names = " | ".join(each.name for each in programs)
    lines = [f"| fault | {names} |", f"|{'---|' * (len(programs) + 1)}"]
    for fault, cells in zip(FAULTS, await asyncio.gather(*rows), strict=True):
        lines.append(f"| {(fault.__doc__ or '').strip().rstrip('.')} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(asyncio.run(table()))
