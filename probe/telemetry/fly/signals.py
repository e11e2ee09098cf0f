"""What the ``fly`` checks measure besides what other sources know too, and its limits."""

from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit
from probe.telemetry.shared_signals import SHARED
from probe.telemetry.shared_signals import THRESHOLDS as OF_ALL

_MACHINE = ("machine", "machine_region")

REGION_ERRORS = Signal(
    "probe_fly_region_error_ratio",
    Unit.RATIO,
    "Share of requests of five minutes that ended with a server error, by region of Fly's edge.",
    labels=("machine_region",),
    ephemeral=True,
    runbook="errors-high",
    range_seconds=300.0,
)
REGION_P95 = Signal(
    "probe_fly_region_p95_seconds",
    Unit.SECONDS,
    "95 % of the requests of five minutes were answered within this time, by the machines' region.",
    labels=("machine_region",),
    ephemeral=True,
    runbook="response-slow",
)
REQUESTS = Signal(
    "probe_fly_requests",
    Unit.COUNT,
    "Requests of the last five minutes at Fly's edge.",
    runbook="errors-high",
)
MEMORY_SIZE = Signal(
    "probe_fly_memory_bytes",
    Unit.BYTES,
    "Memory that the machine has.",
    _MACHINE,
    ephemeral=True,
    runbook="memory-high",
)
MEMORY_RATIO = Signal(
    "probe_fly_memory_used_ratio",
    Unit.RATIO,
    "Share of the machine's memory in use.",
    _MACHINE,
    "memory of the machine",
    ephemeral=True,
    runbook="memory-high",
)
UNREACHABLE = Signal(
    "probe_fly_memory_limit_unreachable",
    Unit.BOOLEAN,
    "Whether a limit on memory is above what the machine has, so that it can't be reached.",
    _MACHINE,
    ephemeral=True,
    runbook="memory-high",
    display_name="memory limit above the machine's memory",
    breach="a memory limit can't be reached: machine {machine} ({machine_region}) has less",
)
CPU = Signal(
    "probe_fly_cpu_ratio",
    Unit.RATIO,
    "Share of its cores that the machine used in five minutes.",
    _MACHINE,
    "cpu",
    ephemeral=True,
    runbook="response-slow",
)
THROTTLED = Signal(
    "probe_fly_cpu_throttled_ratio",
    Unit.RATIO,
    "Share of time for which the machine was held up because its CPU quota was spent.",
    _MACHINE,
    ephemeral=True,
    runbook="response-slow",
)
LOST = Signal(
    "probe_fly_machine_lost",
    Unit.BOOLEAN,
    "Whether the machine runs, as Fly says, and its metrics have stopped.",
    _MACHINE,
    ephemeral=True,
    display_name="metrics lost",
    breach="machine {machine} ({machine_region}) stopped reporting metrics",
    runbook="machines-down",
)
MACHINE_UP = Signal(
    "probe_fly_machine_up",
    Unit.BOOLEAN,
    "Whether the machine runs; absent for one that was stopped on purpose.",
    _MACHINE,
    ephemeral=True,
    display_name="machine up",
    breach="machine {machine} ({machine_region}) is down",
    runbook="machines-down",
)
MACHINES = Signal(
    "probe_fly_machines",
    Unit.COUNT,
    "How many machines are in this state.",
    ("standing",),
    "machines",
    runbook="machines-down",
)
CRASHES = Signal(
    "probe_fly_crashes",
    Unit.COUNT,
    "How often the machine ended in the last hour without being asked to.",
    _MACHINE,
    ephemeral=True,
    display_name="crashes in the last hour of",
    runbook="machine-crashed",
)
OUT_OF_MEMORY = Signal(
    "probe_fly_out_of_memory_exits",
    Unit.COUNT,
    "How often the machine ended in the last hour for lack of memory.",
    _MACHINE,
    ephemeral=True,
    display_name="exits for lack of memory in the last hour of",
    runbook="memory-high",
)
STOPS = Signal(
    "probe_fly_requested_stops",
    Unit.COUNT,
    "How often the machine was stopped on purpose in the last hour.",
    _MACHINE,
    ephemeral=True,
    runbook="machine-crashed",
)
CHECKS_FAILING = Signal(
    "probe_fly_checks_failing",
    Unit.COUNT,
    "How many of Fly's own health checks of the machine don't pass.",
    _MACHINE,
    ephemeral=True,
    runbook="machines-down",
    display_name="failing health checks of",
)

OF_METRICS = (
    *SHARED,
    REGION_ERRORS,
    REGION_P95,
    REQUESTS,
    MEMORY_SIZE,
    MEMORY_RATIO,
    UNREACHABLE,
    CPU,
    THROTTLED,
    LOST,
)
OF_MACHINES = (
    MACHINE_UP,
    MACHINES,
    CRASHES,
    OUT_OF_MEMORY,
    STOPS,
    CHECKS_FAILING,
)

THRESHOLDS = (
    *OF_ALL,
    Threshold(MEMORY_RATIO, Limits(warning=0.9)),
    Threshold(UNREACHABLE, Limits(objective=0.0)),
    Threshold(CPU, Limits(objective=0.5)),
    Threshold(LOST, Limits(warning=0.0)),
    Threshold(MACHINE_UP, Limits(warning=1.0), bad=LimitSide.BELOW),
    # Once is a warning, three times in an hour is critical.
    Threshold(CRASHES, Limits(warning=0.0, critical=2.0)),
    Threshold(OUT_OF_MEMORY, Limits(warning=0.0)),
    Threshold(CHECKS_FAILING, Limits(objective=0.0)),
)
