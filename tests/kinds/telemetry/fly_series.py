"""Series of the shape that Fly.io's have, for one app, with what a test wants to be wrong."""

from collections.abc import Sequence

from msgspec import Struct, field

from tests.servers.scraping.prometheus import (
    PAST_SECONDS,
    Line,
    Value,
    restarting,
    rising,
    steady,
    until,
)

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0)
# Long enough ago to be outside of "now", and well within half an hour.
VANISHED_AT = PAST_SECONDS - 600.0


class App(Struct, frozen=True):
    """An app as its series show it. Rates are per second, ``p95`` in seconds; ``vanished``
    are machines whose series have ended ten minutes ago."""

    name: str
    requests: float = 100.0
    errors: float = 0.0
    p95: float = 0.2
    used: float = 100e6
    total: float = 512e6
    busy: float = 0.2
    throttled: float = 0.0
    restarts: Sequence[float] = ()
    machines: Sequence[str] = ("d1",)
    vanished: Sequence[str] = ()
    region: str = "lax"
    regions: Sequence[str] = field(default=("lax",))

    def lines(self) -> list[Line]:
        """All its series."""
        found = [line for region in self.regions for line in self._edge(region)]
        for machine in (*self.machines, *self.vanished):
            found += self._machine(machine)
        return found

    def _edge(self, region: str) -> list[Line]:
        labels = {"app": self.name, "region": region, "host": "e1"}
        name = "fly_edge_http_responses_count"
        good = Line(name, {**labels, "status": "200"}, rising(self.requests - self.errors))
        bad = Line(name, {**labels, "status": "502"}, rising(self.errors))
        return [good, bad] if self.errors else [good]

    def _machine(self, machine: str) -> list[Line]:
        ends = machine in self.vanished
        me = {"app": self.name, "region": self.region, "host": "h1", "instance": machine}

        def line(name: str, value: Value, **labels: str) -> Line:
            return Line(name, {**me, **labels}, until(value, VANISHED_AT) if ends else value)

        idle = 100 * (1 - self.busy)
        found = [
            line("fly_instance_up", steady(1)),
            line("fly_instance_memory_mem_total", steady(self.total)),
            line("fly_instance_memory_mem_available", steady(self.total - self.used)),
            line("fly_instance_cpu", restarting(idle, self.restarts), cpu_id="0", mode="idle"),
            line("fly_instance_cpu", rising(100 * self.busy), cpu_id="0", mode="user"),
            line("fly_instance_cpu", rising(5), cpu_id="0", mode="steal"),
            line("fly_instance_cpu_throttle", rising(100 * self.throttled)),
        ]
        # Everything below the bound before p95's bucket, or in it.
        name = "fly_app_http_response_time_seconds_bucket"
        for bound in (*BOUNDS, float("inf")):
            share = 1.0 if bound >= self.p95 else 0.5 * bound / self.p95
            le = "+Inf" if bound == float("inf") else str(bound)
            found.append(line(name, rising(self.requests * share), le=le, status="200"))
        return found
