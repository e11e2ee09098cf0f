"""Situations in which the set-up is the problem: regions, orders, clocks, bad peers, a witness."""

import asyncio
from contextlib import AsyncExitStack, suppress

from tests.regions.lab import Lab
from tests.regions.member import PORT
from tests.regions.network import TARGET
from tests.regions.situation import Situation, over, paged


async def _one_region_alone(lab: Lab) -> None:
    """One region alone can't use the target: a warning that names it, and no page."""
    await lab.start()
    alone = lab.members[1]
    lab.fail([alone])
    warning = f"{lab.key} ({alone.region})"
    await lab.until(lambda: lab.said("firing", warning) == 1, "a warning that names the region")
    await lab.through(lambda: not lab.outside.pager_keys(), "no page", 45)
    lab.recover()
    await lab.until(lambda: lab.said("resolved", warning) == 1, "the warning is resolved")
    lab.expect(lab.said("firing") == 0, "no message without a region")


async def _many_checks(lab: Lab) -> None:
    """120 checks fail in one region alone: 120 are asked for, none is paged."""
    await lab.start()
    alone = lab.members[0]
    lab.outside.fail("*", [alone.address])
    lab.mark(f"every target fails for {alone.region}")

    async def asked_for_all() -> bool:
        found = await alone.metrics()
        return found.get('probe_peer_alerts{scope="local"}', 0) >= 120

    await lab.until(asked_for_all, "120 alerts are one region's")
    await lab.through(lambda: not lab.outside.pager_keys(), "no page", 30)


async def _no_region(lab: Lab) -> None:
    """No member has a region: each of them says so, and what two of them see is paged."""
    for member in lab.members:
        member.options["PROBE_REGION"] = ""
    await lab.start()
    for member in lab.members:
        lab.expect("region" in member.log, f"{member.address} says that it has no region")
    lab.fail(lab.members[:2])
    await paged(lab)
    lab.recover()
    await lab.until(lambda: not lab.page.is_open, "resolved at the pager")
    lab.expect(len(lab.page.opened) == 1, "one page")


async def _orders(lab: Lab) -> None:
    """Each member has its own order of PROBE_PEERS: one of them sends, and all say so."""
    addresses = [f"http://{each.address}:{PORT}" for each in lab.members]
    for index, member in enumerate(lab.members):
        member.options["PROBE_PEERS"] = ", ".join(addresses[index:] + addresses[:index])
    await lab.start()

    async def is_noticed() -> bool:
        found = [await each.metrics() for each in lab.members]
        return all(each.get('probe_peer_setup_problems{kind="order"}', 0) > 0 for each in found)

    await lab.until(is_noticed, "every member notices the orders")
    lab.fail()
    await paged(lab)
    await lab.through(lambda: lab.said("firing") == 1, "one member sends", 25)
    lab.recover()
    await over(lab)


async def _clocks_apart(lab: Lab) -> None:
    """The clocks of two members are five minutes off, one each way: every member notices it, what
    they see is paged and resolved once, and Alertmanager hears of one beginning and one end, also
    when the sender is replaced."""
    for member, offset in ((lab.members[1], "+300s"), (lab.members[2], "-300s")):
        member.prefix = ("faketime", "-f", offset)
        member.options |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    await lab.start()

    async def is_noticed() -> bool:
        found = [await each.metrics() for each in lab.members]
        return all(each.get('probe_peer_setup_problems{kind="clock"}', 0) > 0 for each in found)

    await lab.until(is_noticed, "every member notices the clocks")
    lab.fail()
    await paged(lab)
    await lab.through(lambda: lab.page.is_open and not _ends(lab), "no end while it lasts", 75)
    lab.recover()
    await lab.until(lambda: _ends(lab) > 0, "Alertmanager hears of the end")
    await over(lab)
    lab.expect(_ends(lab) == 1, "Alertmanager hears of one end")


def _ends(lab: Lab) -> int:
    """How often Alertmanager took the alert of the target as ended."""
    return sum(not each[1] for each in lab.outside.alertmanager() if "region" not in each[2])


async def _bad_peers(lab: Lab) -> None:
    """Two of five entries of PROBE_PEERS answer garbage without an end, or nothing at all: what
    the three members see is paged and resolved once."""
    async with AsyncExitStack() as stack:
        for port, text in ((9191, b"{" * 4096), (9192, b"")):
            server = await asyncio.start_server(_Bad(text), TARGET, port)
            stack.callback(server.close)
        for member in lab.members:
            bad = f"http://{TARGET}:9191, http://{TARGET}:9192"
            member.options["PROBE_PEERS"] += f", {bad}"
        await lab.start()
        lab.fail()
        await paged(lab)
        lab.recover()
        await over(lab)


class _Bad:
    """Answers every request with the same bytes for ever, or with nothing."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(1000):
                if self._text:
                    writer.write(b"%x\r\n%s\r\n" % (len(self._text), self._text))
                    await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()


async def _witness(lab: Lab) -> None:
    """Two regions and a witness: the regions lose each other, then the target fails for both.
    It is paged and resolved once, and soon, because the witness asks for them."""
    first, second, witness = lab.members
    witness.options |= {"PROBE_WITNESS": "true"}
    witness.config, witness.arguments = "", ()
    await lab.start()
    first.place.cut([second.address])
    lab.mark("the two regions don't hear each other")
    await asyncio.sleep(12)
    lab.fail()
    await paged(lab)
    lab.expect(lab.said("firing") == 1, "one of them sends")
    lab.recover()
    await lab.until(lambda: bool(lab.page.closed), "resolved", 100)
    first.place.heal()
    await over(lab)


SETUPS = (
    Situation("one-region-alone", _one_region_alone),
    Situation("many-checks", _many_checks, targets=120, interval=10.0, proof=False),
    Situation("no-region", _no_region, proof=False),
    Situation("lists-in-other-orders", _orders),
    Situation("clocks-apart", _clocks_apart, proof=False),
    Situation("bad-peers", _bad_peers),
    Situation("witness", _witness),
)
