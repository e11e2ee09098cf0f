"""``fly``: what Fly.io knows of the application and its machines.

Two checks for one app. ``fly-machines`` asks the Machines API: which machines run, which have
ended and why. ``fly-metrics`` asks Fly's Prometheus for what users and machines experience, and for
queries of one's own. Fly is an instrument: when it does not answer, nothing is known.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, lazy_import
from probe.core.model import (
    CheckFailed,
    FailurePolicy,
    Impact,
    Limits,
    NotMeasured,
    Signal,
    Threshold,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.telemetry.custom_queries import OwnQuery
from probe.telemetry.fly.settings import FlyAccess, FlyEnvironment
from probe.telemetry.fly.signals import OF_MACHINES, OF_METRICS, THRESHOLDS
from probe.telemetry.shared_signals import ERROR_RATIO, MEMORY, MEMORY_LIMITS

_STOPPED_HINT = (
    "Check fly logs and fly status for why it stopped, then start it: fly machine start ID."
)
_VANISHED_HINT = "Is FLY_APP right, and FLY_ORG the organization that owns it?"


class FlyTable(FlyAccess):
    """One app, asked for its ``machines``, its ``metrics``, or for one's own queries alone."""

    part: Literal["machines", "metrics", "queries"] = "metrics"
    """What is queried: Prometheus metrics, the Machines API, or custom queries alone. Example:
    `queries`"""
    queries: tuple[OwnQuery, ...] = Field(default=(), max_length=50)
    """Custom PromQL queries, each an own signal. Example: `[{ name = "disk_used", query = "…", unit
    = "ratio" }]`"""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.part != "machines" and self.org is None:
            raise ValueError("org is missing: set FLY_ORG to the organization's slug")
        if self.part == "machines" and self.queries:
            raise ValueError('queries need part = "metrics" or part = "queries"')
        if self.part == "queries" and not self.queries:
            raise ValueError('part = "queries" asks nothing: add a [[fly.queries]]')
        names = [query.name for query in self.queries]
        if len(set(names)) != len(names):
            raise ValueError("two queries have one name: rename one of them")
        return self

    @property
    def target(self) -> str:
        """The app; what it is asked."""
        return f"fly:{self.app}/{self.part}"

    @property
    def check_thresholds(self) -> tuple[Threshold, ...]:
        return tuple(query.threshold for query in self.queries)

    def applies_limits_to(self, signal: Signal) -> bool:
        """Limits are those of what the part measures."""
        return self.measures(signal)

    def measures(self, signal: Signal) -> bool:
        """Each part has signals of its own."""
        parts = {"machines": OF_MACHINES, "metrics": OF_METRICS}
        own = tuple(query.signal for query in self.queries)
        return signal in (*parts.get(self.part, ()), *own)

    @property
    def can_fail(self) -> bool:
        """Only machines can be found to be down."""
        return self.part == "machines"

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("machines", "Fly machines are down", "Some Fly machines are down")

    @property
    def backup_groups(self) -> frozenset[str]:
        """A backend that answers from outside shows that not everything is down."""
        seen = self.part == "machines" and self.backend_host is not None
        return frozenset({f"backend {self.backend_host}"} if seen else ())


def derive(environment: FlyEnvironment) -> DerivedChecks:
    """The machines of an app, and its metrics where the organization is known."""
    given = {"FLY_API_TOKEN": environment.token, "FLY_APP": environment.app}
    missing = [f"{name} is not set" for name, value in given.items() if value is None]
    defaults: dict[str, Any] = {
        "token": environment.token,
        "app": environment.app,
        "org": environment.org,
        "prometheus_url": environment.prometheus_url,
        "machines_url": environment.machines_url,
        "backend_host": environment.backend_host,
        "ca_file": environment.ca_file,
    }
    defaults = {name: value for name, value in defaults.items() if value is not None}
    if missing:
        return DerivedChecks(skipped=missing, defaults=defaults)
    # "Down for more than 30 s" needs enough runs in that time; a list is one request.
    machines = {"name": "fly-machines", "part": "machines", "interval": 20.0}
    if environment.org is None:
        return DerivedChecks([machines], ["FLY_ORG is not set (metrics)"], defaults)
    metrics = {"name": "fly-metrics", "part": "metrics", "deadline": 20.0}
    return DerivedChecks([machines, metrics], (), defaults)


async def run(table: FlyTable, record: Recorder, context: Context) -> None:
    """Ask what this part asks."""
    if table.part == "machines":
        await _run_machines(table, record, context)
    else:
        await _run_metrics(table, record, context)


async def _run_machines(table: FlyTable, record: Recorder, context: Context) -> None:
    from probe.telemetry.fly.clients import machines_of
    from probe.telemetry.fly.machines import MachineState
    from probe.telemetry.fly.samples import write_machines

    with record.phase("machines"):
        machines = await machines_of(table, context).list()
    if not machines:
        raise NotMeasured(Cause.NO_DATA, f"{table.app} has no machines", phase="machines")
    write_machines(machines, context.now(), record)
    states = {each.current_state for each in machines}
    if MachineState.DOWN in states and MachineState.UP not in states:
        down = "; ".join(
            each.summary for each in machines if each.current_state is MachineState.DOWN
        )
        message = f"no machine of {table.app} runs: {down}"
        raise CheckFailed(Cause.SERVICE_DOWN, message[:500], phase="machines", hint=_STOPPED_HINT)


async def _run_metrics(table: FlyTable, record: Recorder, context: Context) -> None:
    from probe.telemetry.fly import queries as q
    from probe.telemetry.fly import samples as figures
    from probe.telemetry.fly.clients import promql_of
    from probe.telemetry.promql import answered, first_problem

    builtin = q.queries_for(table.app) if table.part == "metrics" else {}
    own = {f"own {query.name}": query.query for query in table.queries}
    with record.phase("queries"):
        outcomes = await promql_of(table, context).query_all({**builtin, **own})
    problems = [first_problem([*outcomes.values()])]
    answers = {name: answered(outcome) for name, outcome in outcomes.items()}
    if builtin:
        if not isinstance(outcomes[q.REQUESTS], NotMeasured):
            figures.write_requests(answers, record)
        figures.write_machines_metrics(answers, record)
        figures.warn_of_limits(table.app, answers, _memory_limits(table), record, context)
        if first_problem([outcomes[q.UP], outcomes[q.VANISHED]]) is None:
            problems.append(await _lost(table, answers[q.UP], answers[q.VANISHED], record, context))
    for query in table.queries:
        outcome = outcomes[f"own {query.name}"]
        if not isinstance(outcome, NotMeasured):
            problems.append(_written(query, outcome, record))
    for problem in filter(None, problems):
        raise problem


def _written(query: OwnQuery, found: Any, record: Recorder) -> NotMeasured | None:
    try:
        query.write(found, record)
    except NotMeasured as aborted:
        return aborted
    return None


async def _lost(
    table: FlyTable, up: Any, vanished: Any, record: Recorder, context: Context
) -> NotMeasured | None:
    """A series that vanished says nothing by itself: the machine may have been stopped on
    purpose. So the Machines API is asked, and only then."""
    from probe.telemetry.fly.clients import machines_of
    from probe.telemetry.fly.machines import MachineState
    from probe.telemetry.fly.samples import write_lost

    if up and not vanished:
        write_lost(up, (), (), record)
        return None
    try:
        with record.phase("machines"):
            machines = await machines_of(table, context).list()
    except NotMeasured as aborted:
        return aborted
    write_lost(up, vanished, machines, record)
    if up or vanished:
        return None
    if any(each.current_state is MachineState.UP for each in machines):
        message = f"{table.app} has machines that run, and no metrics from them"
        return NotMeasured(Cause.NO_DATA, message, phase="queries", hint=_VANISHED_HINT)
    record.facts["machines"] = "none runs"
    return None


def _memory_limits(table: FlyTable) -> Limits:
    own = table.thresholds.get(MEMORY.name)
    return Limits(own.objective, own.warning, own.critical) if own else MEMORY_LIMITS


KIND: Kind[FlyEnvironment, FlyTable] = Kind(
    name="fly",
    summary="errors, response times, memory, CPU, machine states and exits, from Fly.io",
    environment=FlyEnvironment,
    table=FlyTable,
    derive=derive,
    run=run,
    signals=(*OF_METRICS, *OF_MACHINES),
    thresholds=THRESHOLDS,
    third_party=True,
    components=("FlyMachines",),
    failing=FailurePolicy(Verdict.CRITICAL, severity_with_backup=Verdict.WARNING, hold=30.0),
    cost="11 PromQL queries (and one for each custom query), or one request to the Machines API",
    load=lazy_import("probe.telemetry.fly.clients", "probe.telemetry.fly.samples"),
    interval=60.0,
    retry=10.0,
    plot=ERROR_RATIO,
    runbooks=Runbooks("machines-down", "own-query"),
)
