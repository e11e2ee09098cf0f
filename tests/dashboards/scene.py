"""A Prometheus that scrapes a real daemon against the lab, with faults, and what the lab lacks.

What no part of the lab gives is fed by a page of its own, and listed with the reason.
"""

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web
from msgspec import Struct

from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.model import Signal, Unit
from probe.kinds import KINDS
from probe.lab import Lab
from probe.metrics.families import histogram_of
from probe.metrics.histogram import BUCKETS
from tests.daemon.running import Running, daemon
from tests.servers.scraping.scraper import Scraper

FED_REGION = "fed"
# Why the lab doesn't give it. A kind that isn't here is not configured against the lab at all.
REASONS = {
    "probe_dns_lookup_time_seconds": "the lab has an address and no name",
    "probe_http_https_redirect": "the lab's frontend isn't behind a proxy that redirects",
    "probe_http_hsts_max_age_seconds": "a promise that is checked over HTTPS only",
    "probe_http_cors_refused": "a promise that is checked where it is configured",
    "probe_ssl_earliest_cert_expiry": "the lab's backend speaks plain HTTP",
    "probe_security_certificate_age_seconds": "the lab's backend speaks plain HTTP",
    "probe_ssl_certificate_remaining_seconds": "the lab's backend speaks plain HTTP",
    "probe_signaling_token_seconds": "the lab gives its secret, so tokens are minted",
    "probe_signaling_upgrade_seconds": "sessions begin with WebSocket by themselves",
    "probe_signaling_upgraded": "sessions begin with WebSocket by themselves",
    "probe_call_media_loss_ratio": "the lab's calls are without audio",
    "probe_call_media_jitter_seconds": "the lab's calls are without audio",
    "probe_call_media_concealed_ratio": "the lab's calls are without audio",
    "probe_call_media_mos": "the lab's calls are without audio",
    "probe_runs_skipped_total": "no run was held up",
    "probe_runs_missed_total": "no run was held up",
    "probe_heartbeat_last_success_timestamp_seconds": "no dead man's switch is configured",
}
KINDS_IN_PART = {
    "app_metrics": "the backend declares these families and puts no samples into them",
}
NO_KIND = "nothing in the lab for checks of this kind"


class Scene(Struct, frozen=True):
    """Everything that runs. ``fed`` says of each metric that was fed why."""

    lab: Lab
    running: Running
    prometheus: Scraper
    fed: dict[str, str]
    page: "FedPage"


@asynccontextmanager
async def scene(folder: Path, *, rules: str = "", tables: str = "") -> AsyncIterator[Scene]:
    """All parts, up to the moment when every check has run; ``tables`` are those of probe.toml."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab())
        lab.set_knob("backend.limits", "false")
        (folder / "probe.toml").write_text(tables or _tables(lab), encoding="utf-8")
        environment = {
            **lab.environment(),
            "PROBE_REGION": "lax",
            "PROBE_DATA": str(folder / "d"),
            # Every panel, those of details too.
            "PROBE_METRICS": "full",
            "PROBE_PUBLIC_URL": "https://probe.example.org",
        }
        running = await stack.enter_async_context(daemon(folder, environment))
        await running.ready()
        _, there = await running.get("/metrics")
        lines, fed = _fed(there)
        page = FedPage(lines)
        feeder = await stack.enter_async_context(page.served())
        jobs = {"probe": [running.url.removeprefix("http://")], "fed": [feeder]}
        server = Scraper(folder, jobs=jobs, rules=rules)
        prometheus = await stack.enter_async_context(server)
        yield Scene(lab, running, prometheus, fed, page)


def _tables(lab: Lab) -> str:
    """Every check by its name, looking often."""
    plan = make_plan(KINDS, Variables(lab.environment()), {})
    often = {"http": 2, "signaling": 4, "turn": 4, "call": 6}
    return "".join(
        f'[[{check.kind.name}]]\nname = "{check.name}"\ninterval = {often[check.kind.name]}\n'
        for check in plan.checks
        if check.kind.name in often
    )


def _needed() -> Iterator[tuple[str, Signal]]:
    """Every signal with the kind that has it."""
    for kind in KINDS:
        yield from ((kind.name, signal) for signal in kind.signals)


def _fed(there: str) -> tuple[str, dict[str, str]]:
    """Lines for what the daemon's page doesn't have, and why it doesn't."""
    lines: list[str] = []
    fed: dict[str, str] = {}
    kinds = {kind.name for kind in KINDS if f'kind="{kind.name}"' in there}
    for kind, signal in _needed():
        if re.search(rf'^{signal.name}{{.*kind="{kind}"', there, flags=re.MULTILINE):
            continue
        reason = REASONS.get(signal.name) or KINDS_IN_PART.get(kind, "")
        reason = reason if kind in kinds else NO_KIND
        fed[f"{kind}: {signal.name}"] = reason
        lines += _lines_of(kind, signal)
    for name in ("probe_runs_skipped_total", "probe_runs_missed_total"):
        lines.append(f'{name}{{check="fed",region="{FED_REGION}"}} 0')
        fed[name] = REASONS[name]
    name = "probe_pushed_timestamp_seconds"
    lines += [
        f'{name}{{job="ci",instance="",region="ci"}} {time.time()}',
        'probe_success{job="ci",instance="",region="ci",check="pushed",kind="http"} 1',
    ]
    fed[name] = "no pipeline pushes here"
    name = "probe_heartbeat_last_success_timestamp_seconds"
    lines += [f"{name} 1700000000", f'probe_build_info{{region="{FED_REGION}"}} 1']
    fed[name] = REASONS[name]
    return "\n".join([*dict.fromkeys(lines), ""]), fed


def _lines_of(kind: str, signal: Signal) -> list[str]:
    """A check of a kind that has a signal, in the middle of what is likely."""
    base = f'check="fed-{kind}",kind="{kind}",target="fed",region="{FED_REGION}"'
    if kind in ("turn", "call"):
        base += ',provider="fed",transport="udp"'
    own = "".join(f',{label}="x"' for label in signal.labels)
    value = {Unit.RATIO: 0.1, Unit.TIMESTAMP: 2e9, Unit.BYTES: 2e8}.get(signal.unit, 1)
    lines = [
        f"probe_success{{{base}}} 1",
        f"probe_duration_seconds{{{base}}} 0.1",
        f"probe_failing_since_timestamp_seconds{{{base}}} 1700000000",
        f'probe_phase_duration_seconds{{{base},phase="ask"}} 0.1',
        f"probe_interval_seconds{{{base}}} 60",
        f'probe_failure_info{{{base},phase="ask",cause="no_data"}} 1',
        f"{signal.name}{{{base}{own}}} {value:g}",
    ]
    if signal.latency:
        name = histogram_of(signal).name
        lines += [
            f'{name}_bucket{{{base}{own},le="{"+Inf" if bound == BUCKETS[-1] else bound}"}} 3'
            for bound in BUCKETS
        ]
        lines += [f"{name}_count{{{base}{own}}} 3", f"{name}_sum{{{base}{own}}} 1"]
    return lines


class FedPage:
    """A page with what the lab doesn't give."""

    def __init__(self, lines: str) -> None:
        self._lines = lines

    def feed_everything(self) -> None:
        """Every signal of every kind, as a check has it that is measured at every scrape."""
        lines = [line for kind, signal in _needed() for line in _lines_of(kind, signal)]
        self._lines += "\n".join([*dict.fromkeys(lines), ""])
        self._lines = "\n".join([*dict.fromkeys(self._lines.splitlines()), ""])

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Its address."""

        async def answer(_: web.Request) -> web.Response:
            return web.Response(text=self._lines, content_type="text/plain")

        app = web.Application()
        app.router.add_get("/metrics", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()


def asked(expr: str, *, window: str = "20s") -> str:
    """An expression as Grafana would send it: everything chosen, over a short time."""
    for name in ("job", "region", "check", "provider", "transport", "service"):
        every = ".*" if name == "provider" else ".+"
        expr = expr.replace(f"${name}", every)
    for name in ("$__rate_interval", "$__range", "$__interval"):
        expr = expr.replace(name, window)
    return expr
