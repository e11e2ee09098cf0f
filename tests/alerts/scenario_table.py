"""``python -m tests.alerts.scenario_table``: what receivers are sent in each scenario, as the table
in docs/alerting.md."""

from collections.abc import Callable

from alerts.model import Silence
from tests.alerts import faults
from tests.alerts.faults import Fault, broken, lab, small_lab
from tests.alerts.simulation import START, Simulation

BEGINS = 600.0
CHECKS = ("http", "engineio", "signaling", "turn", "call", "allocation")


def outage(*times: tuple[float, float, Fault], until: float, small: bool = False) -> Simulation:
    """From when to when what is broken, in seconds after the first breakage."""
    probe = Simulation(small_lab() if small else lab())
    moved = [(BEGINS + start, BEGINS + end, fault) for start, end, fault in times]
    probe.live(BEGINS + until, broken(*moved))
    return probe


def silenced() -> Simulation:
    """A silence of 700 s begins in mid-outage."""
    probe, says = (
        Simulation(small_lab()),
        broken((BEGINS, BEGINS + 1200, faults.backend_is_down)),
    )
    probe.live(BEGINS + 100, says)
    now = START + BEGINS + 100
    probe.silences = [Silence("s", CHECKS, "", "", now, now + 700)]
    probe.live(BEGINS + 2400, says)
    return probe


def restarted() -> Simulation:
    """The probe is restarted in mid-outage."""
    probe, says = Simulation(small_lab()), broken((BEGINS, BEGINS + 600, faults.backend_is_down))
    probe.live(BEGINS + 100, says)
    probe.start()
    probe.live(BEGINS + 1500, says)
    return probe


def rise_and_fall() -> Simulation:
    """One provider of two, then both, then one."""
    return outage(
        (0, 600, faults.primary_is_down),
        (600, 1000, faults.turn_is_down),
        (1000, 1500, faults.primary_is_down),
        until=2400,
    )


def flapping() -> Simulation:
    """Down for 50 s of every 90 s, twelve times."""
    times = [(90.0 * n, 90.0 * n + 50, faults.backend_is_down) for n in range(12)]
    return outage(*times, until=4000, small=True)


SCENARIOS: dict[str, Callable[[], Simulation]] = {
    "backend down for 2 min": lambda: outage((0, 120, faults.backend_is_down), until=900),
    "Redis stopped for 3 min": lambda: outage((0, 180, faults.redis_is_down), until=900),
    "Redis hung for 3 min": lambda: outage((0, 180, faults.redis_hangs), until=900),
    "all TURN servers dead for 4 min": lambda: outage((0, 240, faults.turn_is_down), until=1200),
    "everything frozen for 164 s": lambda: outage((0, 164, faults.everything_is_frozen), until=900),
    "one transport of three, 10 min": lambda: outage(
        (0, 600, faults.primary_udp_is_down), until=1500
    ),
    "backend, 50 s of every 90 s, 12 times": flapping,
    "backend 2 min, 13 min later Redis 2 min": lambda: outage(
        (0, 120, faults.backend_is_down), (900, 1020, faults.redis_is_down), until=2400
    ),
    "backend 20 min, a silence from 100 s to 800 s": silenced,
    "backend 10 min, the probe restarts at 100 s": restarted,
    "one TURN provider, from 600 s both, from 1000 s one, until 1500 s": rise_and_fall,
}


def row(name: str, probe: Simulation) -> str:
    """One scenario: seconds after the first breakage, and what was sent."""
    columns = []
    for receiver in ("chat", "pager"):
        found = probe.to(receiver)
        sent = [f"{each.at - BEGINS:.0f} {each.line}" for each in found]
        columns.append(", ".join(sent) or "nothing")
    return f"| {name} | {columns[0]} | {columns[1]} |"


def as_markdown() -> str:
    """The whole table."""
    rows = [row(name, run()) for name, run in SCENARIOS.items()]
    return "\n".join(["| scenario | Slack | PagerDuty |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(as_markdown())
