"""Everything that can happen next to a modelled cluster."""

from collections.abc import Iterator

from tests.alerts.cluster.explorer.member import CHECKS, NAMES, Node
from tests.alerts.cluster.explorer.model import World


def actions(world: World) -> Iterator[tuple[str, object]]:
    """Everything that can happen next: its name, and a function that lets it happen."""
    for name, node in world.nodes.items():
        if not node.alive:
            yield f"restart {name}", lambda w, n=name: w.nodes[n].restart(w.now)
            continue
        for check in CHECKS:
            yield f"look {name} {check}", lambda w, n=name, c=check: w.look(n, c)
        yield f"ask {name}", lambda w, n=name: w.ask(n)
        yield from _deliveries(world, node)
        yield f"crash {name}", lambda w, n=name: _crash(w, n)
    for names in ((), ("lax",), ("fra", "nrt"), NAMES):
        for check in CHECKS:
            yield f"bad {check} {names}", lambda w, n=names, c=check: w.set_bad(n, c)
    if world.cut or world.deaf:
        yield "heal", lambda w: (w.cut.clear(), w.deaf.clear())
    yield "cut lax", lambda w: _cut(w, "lax")
    yield "cut lax from receivers", _deafen
    for seconds in (4.0, 16.0, 70.0, 190.0):
        yield f"wait {seconds:g}", lambda w, s=seconds: _wait(w, s)


def _deliveries(world: World, node: Node) -> Iterator[tuple[str, object]]:
    name = node.name
    if node.attempt is not None:
        yield f"taken {name}", lambda w: w.arrive(name, answered=True)
        yield f"taken, answer lost {name}", lambda w: w.arrive(name, answered=False)
        yield f"not taken {name}", lambda w: w.fail(name)
    elif node.queue and name not in world.deaf:
        yield f"deliver {name}", lambda w: w.deliver(name)
        yield f"begin {name}", lambda w: w.begin(name)


def _crash(world: World, name: str) -> None:
    """Kill it; an attempt that was under way may have been taken."""
    node = world.nodes[name]
    node.alive, node.attempt = False, None
    world.faults += 1


def _cut(world: World, name: str) -> None:
    world.cut |= {frozenset({name, other}) for other in NAMES if other != name}
    world.faults += 1


def _deafen(world: World) -> None:
    world.deaf.add("lax")
    world.faults += 1


def _wait(world: World, seconds: float) -> None:
    world.now += seconds
    world.slow += seconds > 10
