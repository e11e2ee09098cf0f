"""Metrics of one run: to a Pushgateway, and to a file for node_exporter's textfile collector.

They are the gauges that a daemon would export. What counts runs or states their interval is left
out, so that no rule waits for a next run.
"""

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request

import click
from prometheus_client import CollectorRegistry, Gauge, push_to_gateway
from yarl import URL

from probe.commands.atomic_file import write_file
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.kind import Check
from probe.metrics.exporter import Exporter, expose
from probe.net.flow.blocking_http import RequestFailed, open_with, send_request
from probe.report.model import Report
from probe.storage.output_file import output_problem

JOB = "probe"
PUSH_SECONDS = 10.0
# A pushed result stays until the next one: this says how old it is.
PUSHED = ("probe_pushed_timestamp_seconds", "When the results of this group were pushed.")
_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
# Labels that the metrics have: one of the group would stand for all of them.
_TAKEN = frozenset(
    {"cause", "check", "direction", "instance", "kind", "path", "phase", "provider", "signal"}
    | {"status", "target", "transport", "family", "near", "far", "le", "quantile"}
)
# The collector reads files of this ending only.
SUFFIX = ".prom"


def check_options(options: Mapping[str, Any]) -> None:
    """Validate before the run what would fail after it. Raises ConfigurationError."""
    problems = list(_wrong_grouping(options))
    if options["push"] is not None:
        problems += _wrong_url(options["push"])
    if options["textfile"] is not None:
        problems += _wrong_path(options["textfile"])
    if problems:
        raise ConfigurationError(problems)


def send(report: Report, checks: Iterable[Check], options: Mapping[str, Any]) -> bool:
    """Write and push the metrics; whether all of it succeeded. Failures are printed."""
    exporter = Exporter(region=report.region, repeats=False)
    exporter.set_checks(checks)
    for row in report.rows:
        exporter.observe(row.result)
    return deliver(exporter, options, report.region)


def deliver(exporter: Exporter, options: Mapping[str, Any], region: str) -> bool:
    """Write and push what an exporter has; whether all of it succeeded. Failures are printed."""
    arrived = True
    if options["textfile"] is not None:
        arrived &= _write(exporter, options["textfile"])
    if options["push"] is not None:
        key = {"region": region, **dict(_labels(options["push_label"]))}
        arrived &= _push(exporter, options["push"], options["push_job"] or JOB, key)
    return arrived


def _wrong_grouping(options: Mapping[str, Any]) -> Iterator[ConfigProblem]:
    """What would have no effect, or would replace a label of the metrics."""
    if options["push"] is None:
        for name in ("push_job", "push_label"):
            if options[name]:
                yield ConfigProblem(f"--{name.replace('_', '-')}", "has no effect without --push")
    if options["push_job"] is not None and not options["push_job"].strip():
        yield ConfigProblem("--push-job", "is empty: write the name of a pipeline")
    seen: set[str] = set()
    for text in options["push_label"]:
        name, equals, value = text.partition("=")
        place = f"--push-label {name[:80]}"
        if not equals or not _LABEL.fullmatch(name) or not value:
            yield ConfigProblem(place, "write it like pipeline=deploy: NAME=VALUE")
        elif name == "job":
            yield ConfigProblem(place, "is set by --push-job")
        elif name in _TAKEN:
            yield ConfigProblem(place, "would replace a label of the metrics: use another name")
        elif name in seen:
            yield ConfigProblem(place, "is given twice: keep one of them")
        seen.add(name)


def _labels(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        name, _, value = text.partition("=")
        yield name, value


def _wrong_url(address: str) -> list[ConfigProblem]:
    try:
        url = URL(address)
    except ValueError:
        return [ConfigProblem("--push", "is not an address")]
    if url.scheme not in ("http", "https") or not url.host:
        return [ConfigProblem("--push", "must be an address like http://pushgateway:9091")]
    return []


def _wrong_path(path: Path) -> list[ConfigProblem]:
    place = f"--textfile {path}"
    if path.suffix != SUFFIX:
        return [ConfigProblem(place, f"must end in {SUFFIX}: the collector reads nothing else")]
    problem = output_problem(path)
    return [ConfigProblem(place, problem)] if problem else []


def _write(exporter: Exporter, path: Path) -> bool:
    text, _ = expose(exporter, CollectorRegistry(), None)
    return write_file(path, text, mode=0o644)


def _push(exporter: Exporter, address: str, job: str, key: Mapping[str, str]) -> bool:
    """Replace the group of this job and key. The URL may contain a password, which is never
    printed."""
    url = URL(address)
    registry = CollectorRegistry()
    registry.register(exporter)
    Gauge(*PUSHED, registry=registry).set(time.time())

    try:
        push_to_gateway(
            str(url.with_user(None)),
            job=job,
            registry=registry,
            grouping_key=dict(key),
            timeout=PUSH_SECONDS,
            handler=partial(_put, url),
        )
    except (OSError, ValueError) as error:
        reason = str(error)
    else:
        return True
    click.echo(f"probe: --push {url.host}: not accepted: {reason}", err=True)
    return False


def _put(
    login: URL,
    url: str,
    method: str,
    timeout: float | None,
    headers: Iterable[tuple[str, str]],
    data: bytes,
) -> Callable[[], None]:
    """What prometheus_client asks with: as its own handler, but bounded as a whole."""
    request = Request(url, data=data, headers=dict(headers), method=method)  # noqa: S310
    if login.user is not None:
        pair = f"{login.user}:{login.password or ''}".encode()
        request.add_unredirected_header("Authorization", f"Basic {b64encode(pair).decode()}")

    def handle() -> None:
        seconds = timeout or PUSH_SECONDS
        response = send_request(
            request, open_with(), seconds=seconds, read_timeout=seconds, max_bytes=1 << 16
        )
        if response.status >= 300:
            raise RequestFailed(f"status {response.status}")

    return handle
