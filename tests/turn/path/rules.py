"""What happens to datagrams between two relayed addresses: lost, doubled, late, swapped, altered.

A path is a list of rules. Each concerns datagrams of one sort by one side, of which it counts, and
takes what it says: the first of them, every so many, or some by chance.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from tests.turn.bends import Address
from tests.turn.path.checks import CONTROLLING, attributes_of, edited

HandOn = Callable[[bytes], None]
_LONGEST_SWAP = 0.3
"""Seconds until a datagram that waits for another leaves alone."""


class Rule(Struct, frozen=True):
    """``of`` is ``all``, ``channel`` (what reaches the client as ChannelData), ``dtls``, ``check``
    or ``answer``; ``by`` is ``offering``, ``answering`` or ``both``.

    ``does`` is ``lose``, ``double``, ``swap`` (with the next), ``delay`` or ``replay`` (by
    ``value`` seconds), ``flip`` (a bit of the byte at ``value``), ``cut`` or ``grow`` (by
    ``value`` bytes) or ``edit`` (see ``checks``). After ``first`` it concerns ``count`` datagrams,
    and of these ``burst`` out of ``every``, with this ``chance``.
    """

    does: str
    of: str = "all"
    by: str = "both"
    value: Any = None
    first: int = 0
    count: int = 10**9
    every: int = 1
    burst: int = 1
    chance: float = 1.0
    seed: int = 1


@dataclass
class _State:
    rule: Rule
    seen: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def concerns_next(self) -> bool:
        """Whether this one, which is of the rule's sort, is meant."""
        number, rule = self.seen - self.rule.first, self.rule
        self.seen += 1
        if not 0 <= number < rule.count or number % rule.every >= rule.burst:
            return False
        return rule.chance >= 1 or self.chance.random() < rule.chance


class OddPath:
    """Call it with each datagram; it hands on what passes."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._states = [_State(rule, chance=random.Random(rule.seed)) for rule in rules]
        self._offering: Address | None = None
        self._waiting: Callable[[], None] | None = None
        self._is_over = False

    def close(self) -> None:
        """What was held back stays."""
        self._is_over = True

    def __call__(self, data: bytes, sender: Address, is_channel: bool, hand_on: HandOn) -> None:
        def arrive(each: bytes) -> None:
            if not self._is_over:
                hand_on(each)

        if CONTROLLING in attributes_of(data):
            self._offering = sender
        side = "offering" if sender == self._offering else "answering"
        sorts = {"all", _sort(data), "channel" if is_channel else ""}
        passing: list[tuple[float, bytes]] = [(0.0, data)]
        for state in self._states:
            rule = state.rule
            if rule.of in sorts and rule.by in (side, "both") and state.concerns_next():
                if rule.does == "swap":
                    self._hold(passing, arrive)
                    return
                passing = [each for one in passing for each in _changed(rule, *one)]
        _leave(passing, arrive)
        self._release()

    def _hold(self, passing: list[tuple[float, bytes]], hand_on: HandOn) -> None:
        self._release()
        self._waiting = lambda: _leave(passing, hand_on)
        asyncio.get_running_loop().call_later(_LONGEST_SWAP, self._release)

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting()


def _leave(passing: list[tuple[float, bytes]], hand_on: HandOn) -> None:
    for delay, data in passing:
        if delay:
            asyncio.get_running_loop().call_later(delay, hand_on, data)
        else:
            hand_on(data)


def _sort(data: bytes) -> str:
    if data[0] < 4:
        return "answer" if data[0] == 1 else "check"
    return "dtls" if 20 <= data[0] <= 63 else "other"


def _changed(rule: Rule, delay: float, data: bytes) -> list[tuple[float, bytes]]:
    value = rule.value
    if rule.does == "lose":
        return []
    if rule.does == "double":
        return [(delay, data)] * (value or 2)
    if rule.does == "delay":
        return [(delay + value, data)]
    if rule.does == "replay":
        return [(delay, data), (delay + value, data)]
    if rule.does == "flip":
        at = value % len(data)
        return [(delay, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])]
    if rule.does == "cut":
        return [(delay, data[:-value])] if len(data) > value else []
    if rule.does == "grow":
        return [(delay, data + bytes(value))]
    return [(delay, each) for each in edited(data, value)]
