"""What ``debug=true`` answers: the log of the run, its metrics, and the module."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from probe.core.model import Result, Status

if TYPE_CHECKING:
    from probe.exporter.modules.module import Module


def debug_page(
    result: Result, metrics: bytes, name: str, module: "Module", target: str, deadline: float
) -> str:
    """In blackbox_exporter's three parts. ``deadline`` is in seconds; nothing secret is in it."""
    import yaml

    log = "\n".join(_log(result, name, module, target, deadline))
    shown: str = yaml.safe_dump(module.shown, sort_keys=False, allow_unicode=True)
    return (
        f"Logs for the probe:\n{log}\n\n\n\n"
        f"Metrics that would have been returned:\n{metrics.decode()}\n\n\n"
        f"Module configuration:\n{shown}"
    )


def _log(
    result: Result, name: str, module: "Module", target: str, deadline: float
) -> Iterator[str]:
    at = result.started_at
    head = {"module": name, "target": target}
    yield _line(
        at, "info", "Beginning probe", {**head, "probe": module.prober, "timeout_seconds": deadline}
    )
    spent = 0.0
    for phase, seconds in result.phases.items():
        spent += seconds
        moment = at + timedelta(seconds=spent)
        yield _line(moment, "info", "Phase", {**head, "phase": phase, "seconds": f"{seconds:.6f}"})
    end = at + timedelta(seconds=result.duration)
    for fact, text in result.facts.items():
        yield _line(end, "info", "Found", {**head, "what": fact, "value": text})
    if result.failure is not None:
        failure = result.failure
        fields = {"phase": failure.phase, "cause": failure.cause.value, "err": failure.message}
        yield _line(end, "error", "Probe failed", {**head, **fields, "hint": failure.hint})
    duration = {**head, "duration_seconds": f"{result.duration:.6f}"}
    labels = {
        Status.OK: ("info", "Probe succeeded"),
        Status.FAILED: ("error", "Probe failed"),
        Status.UNKNOWN: ("warn", "Probe could not measure"),
    }
    yield _line(end, *labels[result.status], duration)


def _line(at: datetime, level: str, message: str, fields: Mapping[str, object]) -> str:
    """One line of logfmt."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    pairs = " ".join(f"{key}={_quoted(str(value))}" for key, value in fields.items())
    return f"ts={moment} level={level} msg={_quoted(message)} {pairs}"


def _quoted(text: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in text)
    if plain and not set(plain) & set(' "='):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
