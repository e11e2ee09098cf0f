"""Situations in which members are slow, or their set-up changes while the target fails."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress

from tests.command import environment
from tests.regions.lab import Lab
from tests.regions.member import PORT, TOKEN, Member
from tests.regions.network import RECEIVERS, TARGET, sh
from tests.regions.situation import Situation, known, over, paged


async def _slow_members(lab: Lab) -> None:
    """Each member is stopped for 2.5 of 3 s, so that its answers come after the round was over:
    slow members are not gone, and one of them sends."""
    await lab.start()

    async def slow(member: Member) -> None:
        try:
            while True:
                member.send(signal.SIGSTOP)
                await asyncio.sleep(2.5)
                member.send(signal.SIGCONT)
                await asyncio.sleep(0.5)
        finally:
            member.send(signal.SIGCONT)

    tasks = [asyncio.create_task(slow(each)) for each in lab.members]
    lab.mark("all are slow")
    await asyncio.sleep(10)
    lab.fail()
    await paged(lab)
    await lab.through(lambda: lab.said("firing") == 1, "one of them sends", 45)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    lab.recover()
    await over(lab)


async def _answers_of_receivers_are_lost(lab: Lab) -> None:
    """Receivers take what the sender sends, and their answers never reach it: another one sends it
    too, and nothing is sent a third time when the answers come again."""
    await lab.start()
    first = lab.members[0]
    first.place.cut_answers([RECEIVERS])
    lab.mark(f"{first.region} hears no answers of the receivers")
    lab.fail()
    await paged(lab)
    await asyncio.sleep(45)
    lab.expect(lab.said("firing") <= 2, "two messages at the most")
    heard = lab.said("firing")
    first.place.heal()
    await lab.through(lambda: lab.said("firing") == heard, "nothing is said again", 30)
    lab.recover()
    await over(lab, firing=heard)


async def _seven(lab: Lab) -> None:
    """Seven members: the sender is killed, then two others are cut off; then the end: one page,
    one resolve, no message twice."""
    await lab.start()
    lab.fail()
    await known(lab)
    await lab.sender().kill()
    few, many = lab.members[1:3], (lab.members[0], *lab.members[3:])
    for member in few:
        member.place.cut([each.address for each in many])
    lab.mark("the sender is killed, two are cut off")
    await lab.through(lambda: lab.page.is_open and lab.said("firing") == 1, "nothing changes", 30)
    for member in few:
        member.place.heal()
    await lab.start(*(each for each in lab.members if not each.runs))
    lab.recover()
    await over(lab)


async def _empty_folders_in_turn(lab: Lab) -> None:
    """Each member in turn loses its folder and starts anew in mid-outage: the others know."""
    await lab.start()
    lab.fail()
    await known(lab)
    for member in lab.members:
        await member.kill()
        member.wipe()
        await lab.start(member)
        await lab.until(lab.is_known, "every member knows of it")
    lab.expect(lab.page.is_open and lab.said("firing") == 1, "one page, nothing is said twice")
    lab.recover()
    await over(lab)


async def _name_fails(lab: Lab) -> None:
    """PROBE_PEERS is a name. In mid-outage it has no address, then those of two members, then
    all: members that are known stay, and one of them sends."""
    for member in lab.members:
        member.options["PROBE_PEERS"] = f"peers.lab:{PORT}"
    await lab.start()
    hosts = lab.folder / "hosts"
    whole = hosts.read_text()
    lines = whole.splitlines(keepends=True)
    named = [line for line in lines if "peers.lab" in line]
    hosts.write_text("".join(line for line in lines if line not in named))
    lab.mark("the name has no address")
    await asyncio.sleep(35)
    lab.fail()
    await known(lab)
    hosts.write_text("".join(line for line in lines if line not in named[:1]))
    lab.mark("the first member is not among its addresses")
    await lab.through(lambda: lab.page.is_open and lab.said("firing") <= 2, "open", 45)
    hosts.write_text(whole)
    await asyncio.sleep(35)
    heard = lab.said("firing")
    lab.recover()
    await over(lab, firing=heard)


async def _member_is_added(lab: Lab) -> None:
    """In mid-outage a fourth member is added, and each of the others is restarted with the longer
    list: nothing is said twice."""
    *three, fourth = lab.members
    whole = fourth.options["PROBE_PEERS"]
    for member in three:
        member.options["PROBE_PEERS"] = whole.rpartition(",")[0]
    await asyncio.gather(*(each.start() for each in three))
    for member in three:
        await lab.until(member.is_ready, f"{member.region} is ready")
    lab.fail()
    await known(lab)
    await lab.start(fourth)
    for member in three:
        await member.kill(signal.SIGTERM)
        member.options["PROBE_PEERS"] = whole
        await lab.start(member)
    await lab.until(lab.is_known, "every member knows of it")
    lab.expect(lab.page.is_open and lab.said("firing") == 1, "one page, nothing is said twice")
    lab.recover()
    await over(lab)


async def _silence_on_one(lab: Lab) -> None:
    """The outage is silenced on the sender alone, which is each probe's own matter: the others
    page it and notify people once, and it is resolved once."""
    await lab.start()
    first = lab.members[0]
    await probe_command(
        first, "alerts", "silence", "add", "t0", "--duration", "30m", "--comment", "x"
    )
    lab.mark(f"silenced on {first.region}")
    await asyncio.sleep(12)
    lab.fail()
    await paged(lab)
    await lab.through(lambda: lab.said("firing") == 1, "one of the others sends", 30)
    lab.expect(lab.sender() is not first, "the silenced one doesn't")
    lab.recover()
    await over(lab)


async def _clock_steps(lab: Lab) -> None:
    """The sender's clock is set forward by five minutes in mid-outage, and back: nothing is said
    again, and it is resolved once."""
    first, stamp = lab.members[0], lab.folder / "offset"
    stamp.write_text("+0s\n")
    library = sh("ls /usr/lib/*/faketime/libfaketimeMT.so.1").split()[0]
    first.options |= {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    await lab.start()
    lab.fail()
    await known(lab)
    for offset in ("+300s", "-300s"):
        stamp.write_text(f"{offset}\n")
        lab.mark(f"{first.region}'s clock is set: {offset}")
        await lab.through(lambda: lab.page.is_open and lab.said("firing") == 1, "as before", 30)
    lab.recover()
    await over(lab)


async def _byte_by_byte(lab: Lab) -> None:
    """One of four entries of PROBE_PEERS answers a byte a second, and a member has another token
    for a while: what the others see is paged and resolved once."""
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(_trickle, TARGET, 9191)
        stack.callback(server.close)
        last = lab.members[-1]
        for member in lab.members:
            member.options["PROBE_PEERS"] += f", http://{TARGET}:9191"
        last.options["PROBE_PEER_TOKEN"] = "another-t0ken-altogether"
        await asyncio.gather(*(each.start() for each in lab.members))
        for member in lab.members:
            await lab.until(member.is_ready, f"{member.region} is ready")
        lab.fail()
        await paged(lab)
        problem = "PROBE_PEER_TOKEN is not the same there"
        await lab.until(lambda: problem in lab.members[0].log, "the log says what is wrong")
        await last.kill(signal.SIGTERM)
        last.options["PROBE_PEER_TOKEN"] = TOKEN
        await lab.start(last)
        heard = lab.said("firing")
        lab.expect(heard <= 2, "each side notifies once at the most")
        lab.recover()
        await lab.until(lambda: bool(lab.page.closed), "resolved at the pager")
        await lab.until(lab.is_quiet, "nothing is open at any member")
        lab.expect(len(lab.page.opened) == 1, "one page")


async def _trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    writer.close()


async def probe_command(member: Member, *arguments: str) -> None:
    """Run a command next to a daemon, with what it keeps."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "probe", *arguments),
        cwd=member.folder,
        env=environment({"PROBE_DATA": str(member.folder / "data")}) | {"PYTHONPATH": os.getcwd()},
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0, arguments


CHANGES = (
    Situation("slow-members", _slow_members, proof=False),
    Situation("answers-of-receivers-are-lost", _answers_of_receivers_are_lost, proof=False),
    Situation("seven-members", _seven, members=7, proof=False),
    Situation("empty-folders-in-turn", _empty_folders_in_turn, proof=False),
    Situation("name-fails", _name_fails, proof=False),
    Situation("member-is-added", _member_is_added, members=4, proof=False),
    Situation("silence-on-one", _silence_on_one, proof=False),
    Situation("clock-steps", _clock_steps, proof=False),
    Situation("byte-by-byte", _byte_by_byte, proof=False),
)
