"""Paths that lose, double, delay and swap what is relayed, and ports that lose what they get."""

from collections.abc import Iterator

from tests.browser.odd.paths.row import PathRow
from tests.turn.path.rules import Rule

WAYS = ("udp", "tcp", "tls")
SIDES = ("offering", "answering")
_FIRST = "the first lost"
_FLIGHTS = "one datagram of DTLS or SCTP"
_CHECKS = "connectivity checks lost"
_RANDOM = "random loss and bursts"
_ORDER = "order, delay, duplicates"
_SERVER = "datagrams lost on the way to the server"


def losing() -> Iterator[PathRow]:
    """All of them."""
    yield from _first_lost()
    yield from _single()
    yield from _checks_lost()
    yield from _by_chance()
    yield from _out_of_order()
    yield from _on_the_way_to_the_server()


def _first_lost() -> Iterator[PathRow]:
    for way in WAYS:
        for count in (1, 2, 5, 10):
            name = f"the first {count} ChannelData lost, by {way}"
            yield PathRow(_FIRST, name, way, [Rule("lose", "channel", count=count)])
    for count in range(1, 31):
        for side in SIDES:
            name = f"the first {count} datagrams of DTLS by the {side} side lost"
            yield PathRow(_FIRST, name, "udp", [Rule("lose", "dtls", side, count=count)])
        if count <= 10:
            rules = [Rule("lose", "dtls", side, count=count) for side in SIDES]
            yield PathRow(_FIRST, f"the first {count} datagrams of DTLS by each lost", "udp", rules)
    for count in (1, 5, 10, 20, 40):
        name = f"the first {count} relayed datagrams of each side lost"
        yield PathRow(
            _FIRST, name, "udp", [Rule("lose", "all", side, count=count) for side in SIDES]
        )


def _single() -> Iterator[PathRow]:
    for side in SIDES:
        for number in range(1, 9):
            for does, value, words in (
                ("lose", None, "lost"),
                ("double", None, "comes twice"),
                ("delay", 0.6, "comes 0.6 s late"),
                ("replay", 0.3, "comes again after 0.3 s"),
            ):
                name = f"datagram {number} of DTLS by the {side} side {words}"
                rule = Rule(does, "dtls", side, value, first=number - 1, count=1)
                yield PathRow(_FLIGHTS, name, "udp", [rule])


def _checks_lost() -> Iterator[PathRow]:
    for sort, words in (("check", "checks"), ("answer", "answers to checks")):
        for count in (1, 3, 5, 10, 20, 40):
            for side in (*SIDES, "both"):
                whose = "each" if side == "both" else f"the {side} side"
                sides = SIDES if side == "both" else (side,)
                rules = [Rule("lose", sort, each, count=count) for each in sides]
                name = f"the first {count} {words} by {whose} lost"
                yield PathRow(_CHECKS, name, "udp", rules)
        for side in SIDES:
            name = f"all {words} by the {side} side lost"
            yield PathRow(_CHECKS, name, "udp", [Rule("lose", sort, side)])


def _by_chance() -> Iterator[PathRow]:
    for percent in (5, 10, 15, 20, 25, 30, 40):
        for seed in (1, 2, 3):
            rules = [
                Rule("lose", "all", side, chance=percent / 100, seed=10 * seed + number)
                for number, side in enumerate(SIDES)
            ]
            name = f"{percent} % lost each way, seed {seed}"
            yield PathRow(_RANDOM, name, "udp", rules, opens=True)
    for way in ("tcp", "tls"):
        rules = [Rule("lose", "all", side, chance=0.3, seed=7) for side in SIDES]
        yield PathRow(_RANDOM, f"30 % lost each way, by {way}", way, rules, opens=True)
    for burst, every in ((2, 4), (5, 10), (10, 20)):
        rules = [Rule("lose", "all", side, burst=burst, every=every) for side in SIDES]
        yield PathRow(_RANDOM, f"{burst} of {every} lost in a row", "udp", rules, opens=True)
    yield PathRow(_RANDOM, "all DTLS lost", "udp", [Rule("lose", "dtls")])
    for side in SIDES:
        name = f"all DTLS by the {side} side lost"
        yield PathRow(_RANDOM, name, "udp", [Rule("lose", "dtls", side)])


def _out_of_order() -> Iterator[PathRow]:
    for sort, words in (("dtls", "DTLS"), ("all", "everything")):
        for every in (1, 2, 3):
            name = f"of {words} each {every}. datagram swapped with the next"
            rule = Rule("swap", sort, every=every + 1)
            yield PathRow(_ORDER, name, "udp", [rule], opens=True)
        for times in (2, 3, 5):
            name = f"{words} {times} times"
            yield PathRow(_ORDER, name, "udp", [Rule("double", sort, value=times)])
        for delay in (0.1, 0.3, 0.6, 1.0):
            yield PathRow(
                _ORDER,
                f"{words} {delay:g} s late",
                "udp",
                [Rule("delay", sort, value=delay)],
                opens=True,
            )
        for delay in (0.05, 0.5):
            rule = Rule("delay", sort, value=delay, every=2)
            yield PathRow(
                _ORDER,
                f"every other datagram of {words} {delay:g} s late",
                rules=[rule],
                opens=True,
            )
        rule = Rule("replay", sort, value=0.2)
        yield PathRow(_ORDER, f"{words} again after 0.2 s", "udp", [rule])
    for side in SIDES:
        rules = [
            Rule("delay", "dtls", side, 0.4, chance=0.5),
            Rule("double", "dtls", side, chance=0.5, seed=2),
            Rule("lose", "dtls", side, chance=0.3, seed=3),
        ]
        name = f"DTLS by the {side} side lost, doubled and late by chance"
        yield PathRow(_ORDER, name, "udp", rules, opens=True)


def _on_the_way_to_the_server() -> Iterator[PathRow]:
    for count in (1, 2, 3, 4, 5, 6):
        for lost, words in (
            ((count, 0), "to"),
            ((0, count), "from"),
            ((count, count), "both ways"),
        ):
            name = f"the first {count} datagrams {words} the server lost"
            yield PathRow(_SERVER, name.replace("ways the", "ways of the"), port={"lost": lost})
    for percent in (5, 10, 15, 20, 30):
        name = f"{percent} % lost each way to the server"
        yield PathRow(_SERVER, name, port={"loss": percent / 100}, opens=True)
