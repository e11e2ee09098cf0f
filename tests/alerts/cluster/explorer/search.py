"""Exhaustive search of the model: every order of actions up to a depth, from chosen states.

After each order the network heals, what is dead starts again, and the members go on in fair
rounds: what all see failing must end up open at every receiver, and closed again when it is
over. States that behave the same are looked at once.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.alerts.cluster.explorer.actions import actions
from tests.alerts.cluster.explorer.member import CHAT, CHECKS, NAMES, PAGER
from tests.alerts.cluster.explorer.model import World

# Fair rounds until everything must have come to rest.
MAX_ROUNDS = 120


@dataclass
class Found:
    """How much was looked at, and the orders of actions that broke a promise."""

    states: int = 0
    transitions: int = 0
    broken: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


def fair_round(world: World) -> None:
    """Everybody looks, asks and delivers once, and three seconds pass."""
    for name in NAMES:
        for check in CHECKS:
            world.look(name, check)
    for name in NAMES:
        world.ask(name)
        for _ in range(4):
            world.deliver(name)
    world.now += 3.0


def scenarios() -> Iterator[tuple[str, World]]:
    """States to begin from: calm, an outage that all have notified of, and what follows."""
    calm = World()
    for _ in range(3):
        fair_round(calm)
    yield "calm", calm
    outage = calm.clone()
    outage.set_bad(NAMES, 0)
    for _ in range(6):
        fair_round(outage)
    yield "outage", outage
    yield "the first message is on its way", sending(calm)
    split = outage.clone()
    split.faults = 1
    split.cut |= {frozenset({"lax", other}) for other in NAMES[1:]}
    for _ in range(6):
        fair_round(split)
    yield "outage, lax cut off", split
    minority = split.clone()
    minority.set_bad(NAMES[1:], 0)
    yield "the end for lax alone, cut off", minority
    mute = outage.clone()
    mute.deaf.add("lax")
    mute.faults = 1
    mute.set_bad((), 0)
    fair_round(mute)
    yield "the end, the sender can't deliver", mute
    dead = outage.clone()
    dead.nodes["lax"].alive, dead.faults = False, 1
    dead.now += 10.0
    yield "outage, the sender is dead", dead


def sending(calm: World) -> World:
    """All see an outage, and the first of them is about to deliver its message to the chat."""
    world = calm.clone()
    world.set_bad(NAMES, 0)
    while world.nodes["lax"].attempt is None:
        for name, node in world.nodes.items():
            world.look(name, 0)
            world.ask(name)
            while node.queue and node.queue[0].receiver == PAGER:
                world.deliver(name)
        world.begin("lax")
        world.now += 1.0
    return world


def explore(depth: int, *, only: str = "", stop: bool = False, seconds: float = math.inf) -> Found:
    """Breadth first from every scenario, or from one; to the first broken promise if it is to
    ``stop`` there, or for so many seconds of CPU."""
    end = time.process_time() + seconds
    found, seen = Found(), set[str]()
    queue = deque[tuple[World, tuple[str, ...]]]()
    queue += [(world, (name,)) for name, world in scenarios() if only in ("", name)]
    while queue and time.process_time() < end:
        world, path = queue.popleft()
        for name, act in actions(world):
            after = world.clone()
            _apply(act, after)
            found.transitions += 1
            key = after.key()
            if key in seen:
                continue
            seen.add(key)
            found.states += 1
            problem = problem_of(after)
            if problem:
                found.broken.append((problem, (*path, name)))
                if stop:
                    return found
            elif len(path) < depth:
                queue.append((after, (*path, name)))
    return found


def follow(path: Sequence[str]) -> str:
    """What is wrong after one order of actions: a scenario's name, then theirs; else empty."""
    world = dict(scenarios())[path[0]].clone()
    for name in path[1:]:
        _apply(dict(actions(world))[name], world)
    return problem_of(world)


def problem_of(world: World) -> str:
    """What is wrong with a state, or with what comes of it once all is healed; else empty."""
    if problem := _problem_now(world):
        return problem
    after = world.clone()
    after.cut.clear()
    after.deaf.clear()
    for node in after.nodes.values():
        if not node.alive:
            node.restart(after.now)
    heard = len(after.chat)
    for check in CHECKS:
        after.set_bad(NAMES if check == 0 else (), check)
    if not _comes(after, lambda w: w.paged and w.chat[-1:] == [True] and _is_quiet(w)):
        return "an outage that all see is not open at every receiver"
    for check in CHECKS:
        after.set_bad((), check)
    if not _comes(after, lambda w: not w.paged and w.chat[-1:] == [False] and _is_over(w)):
        return "an outage that is over is not resolved at every receiver"
    if len(after.chat) - heard > 6:
        return f"the chat heard {len(after.chat) - heard} messages after all was healed"
    return ""


def _problem_now(world: World) -> str:
    if len(world.ever_bad) == 1 and not world.faults and world.pages:
        return "one region alone paged"
    if world.early:
        return "a minority resolved what a quorum sees"
    if not world.faults and not world.slow and _has_doubles(world.chat):
        return "a chat heard the same twice, and nothing went wrong"
    return ""


def _apply(act: object, world: World) -> None:
    assert callable(act)
    act(world)


def _comes(world: World, what: Callable[[World], bool]) -> bool:
    for _ in range(MAX_ROUNDS):
        fair_round(world)
        if what(world):
            return True
    return False


def _has_doubles(chat: list[bool]) -> bool:
    return any(one is other for one, other in pairwise(chat))


def _is_quiet(world: World) -> bool:
    return all(not node.queue and CHAT in node.views for node in world.nodes.values())


def _is_over(world: World) -> bool:
    return all(not node.queue and not node.views for node in world.nodes.values())
