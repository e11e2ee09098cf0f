"""Everything that scripts see, as facts: short lines of text, by section.

``static`` reads the declarations; ``live`` asks a daemon and a one-shot run. A line may be
added at any time; one that is gone or reads differently breaks somebody's script.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from alerts import runbooks
from alerts.cluster.protocol.messages import (
    MemberAnswer,
    QueriedCheck,
    Query,
    ReportedAlert,
    ReportedCheck,
)
from alerts.notifiers import NOTIFIERS
from alerts.notifiers.alertmanager import alerts_of
from alerts.notifiers.webhook import sign
from alerts.outbox.codec import dump_message
from alerts.outbox.outbox import Outbox
from dashboards.dashboards import boards
from probe import exit_codes
from probe.cli import cli
from probe.config.probe_environment import LOG_LEVELS, ProbeEnvironment
from probe.config.settings import load_settings
from probe.core.causes import Cause
from probe.core.environment import SECRETS_DIRECTORY, Environment
from probe.core.kind import Kind
from probe.core.model import Verdict
from probe.exporter.settings import ExporterEnvironment
from probe.history import History
from probe.kinds import KINDS
from probe.lab import Lab
from probe.metrics.families import histogram_of
from probe.once import exit_code
from probe.otel.settings import OtelEnvironment
from tests.alerts.samples import sample_message

Facts = dict[str, list[str]]

# What is configured at most: every check that variables can bring.
EVERYTHING = {
    "BACKEND_URL": "https://paircam.live",
    "FRONTEND_URL": "https://paircam.live",
    "JWT_SECRET": "s3cret",
    "PROBE_JOURNEY": "true",
    "TURN_URLS": "stun:relay.example.org,turn:relay.example.org,"
    "turn:relay.example.org?transport=tcp,turns:relay.example.org",
    "TURN_USERNAME": "user",
    "TURN_PASSWORD": "password",
    "TURN_BACKUP_URLS": "stun:backup.example.org,turn:backup.example.org",
    "TURN_BACKUP_USERNAME": "user",
    "TURN_BACKUP_PASSWORD": "password",
    "METERED_APP": "paircam",
    "METERED_API_KEY": "key",
    "METERED_SECRET_KEY": "key",
    "DATABASE_URL": "postgres://user:password@db.example.org/paircam",
    "REDIS_URL": "rediss://:password@cache.example.org:6379",
    "FLY_API_TOKEN": "FlyV1 fm2_eHg=",
    "FLY_ORG": "personal",
    "FLY_APP": "paircam",
    "APP_METRICS_URL": "https://paircam.live/metrics",
    "PROBE_REFERENCES": "https://example.org,https://example.net",
    "PROBE_PEERS": "https://probe.example.org",
    "PROBE_PEER_TOKEN": "0123456789abcdef",
}


def static() -> Facts:
    """What the declarations say."""
    return {
        "causes": sorted(Cause),
        "kinds": sorted(_kinds()),
        "checks": sorted(_checks()),
        "signals": sorted(_signals()),
        "exit codes": sorted(_exit_codes()),
        "variables": sorted(_variables()),
        "command line": sorted(_command(cli, "probe")),
        "lab knobs": sorted(name for name, _, _ in Lab.knob_names()),
        "notifiers": sorted(each.name for each in NOTIFIERS),
        "messages": sorted(_messages()),
        "peers": sorted(_peers()),
        "dashboards": sorted(board.uid for board in boards(KINDS)),
        "runbooks": sorted(runbooks.slugs()),
    }


def _kinds() -> Iterator[str]:
    for kind in KINDS:
        yield kind.name
        for role in ("core", "on_request"):
            if getattr(kind, role, False):
                yield f"{kind.name}: {role}"


def _checks() -> Iterator[str]:
    """Names, targets and labels: dashboards and silences hold them."""
    for each in load_settings(KINDS, EVERYTHING, alone=True).plan.checks:
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(each.table.labels.items()))
        yield f"{each.name}: kind {each.kind.name}, target {each.table.target}"
        yield f"{each.name}: labels {labels}"


def _signals() -> Iterator[str]:
    for kind in KINDS:
        for signal in kind.signals:
            yield f"{kind.name}: {signal.name} in {signal.unit.value}"
            for label in signal.labels:
                yield f"{kind.name}: {signal.name}{{{label}}}"
            if signal.latency:
                yield f"{kind.name}: {histogram_of(signal).name} histogram"


def _exit_codes() -> Iterator[str]:
    for verdict in Verdict:
        for fail_on in ("critical", "warning", "never"):
            yield f"{verdict.value} with --fail-on {fail_on}: {exit_code(verdict, fail_on)}"
    numbers = {value for name, value in vars(exit_codes).items() if name.isupper()}
    yield from (f"{number} is used" for number in numbers)


def _variables() -> Iterator[str]:
    yield SECRETS_DIRECTORY
    models: list[type[Environment]] = [ProbeEnvironment]
    models += [kind.environment for kind in KINDS]
    models += [notifier.environment for notifier in NOTIFIERS]
    models += [ExporterEnvironment, OtelEnvironment]
    for model in models:
        yield from model.variable_names()
    yield from (f"LOG_LEVEL={word}" for word in LOG_LEVELS)


def _command(command: click.Command, path: str) -> Iterator[str]:
    yield path
    yield from _parameters(command, path)
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _command(each, f"{path} {name}")
        with suppress(click.UsageError):
            # What a group does with words that are no command of its own.
            _, other, _ = command.resolve_command(click.Context(command), ["no-such-command"])
            yield from _parameters(other, path) if other is not None else ()


def _parameters(command: click.Command, path: str) -> Iterator[str]:
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            yield f"{path} <argument> nargs={parameter.nargs}"
            continue
        for option in parameter.opts:
            yield f"{path} {option}" + (" (flag)" if parameter.is_flag else "")
            if isinstance(parameter.type, click.Choice):
                yield from (f"{path} {option} {choice}" for choice in parameter.type.choices)


def _messages() -> Iterator[str]:
    """The document of a webhook, and an alert for Alertmanager."""
    document = {"schema": 1, **json.loads(dump_message(sample_message()))}
    yield from (f"webhook: {path}" for path in paths_in(document))
    for alert in alerts_of(sample_message(), []):
        yield from (f"alertmanager: {path}" for path in paths_in(alert))
        yield f"alertmanager: alertname={alert['labels']['alertname']}"
    yield "webhook: signature " + sign("key", "1800000000", b"{}")


def _peers() -> Iterator[str]:
    for name, model in (
        ("question", Query),
        ("question.asks[]", QueriedCheck),
        ("answer", MemberAnswer),
        ("answer.checks.*", ReportedCheck),
        ("answer.checks.*.bad.*", ReportedAlert),
    ):
        for field, about in model.model_fields.items():
            yield f"{name}.{about.alias or field}"


def toml_keys() -> list[str]:
    """Every key of every table of ``probe.toml``."""
    found = [f"{kind.name}.{key}" for kind in KINDS for key in _keys_of(kind)]
    for table in ("maintenance", "route"):
        found += [f"{table}.{key}" for key in _table_of(table).model_fields]
    limits = _limits_of(KINDS[0])
    return sorted([*found, *(f"*.thresholds.*.{key}" for key in limits.model_fields)])


def is_accepted(key: str) -> bool:
    """Whether a key of ``probe.toml`` is known to its table, whatever its value."""
    table, _, name = key.partition(".")
    if table == "*":
        model = _limits_of(KINDS[0])
        name = name.removeprefix("thresholds.*.")
    elif table in ("maintenance", "route"):
        model = _table_of(table)
    else:
        model = next(kind.table for kind in KINDS if kind.name == table)
    try:
        model.model_validate({name: object()})
    except ValueError as error:
        found: list[Mapping[str, Any]] = getattr(error, "errors", list)()
        return not any(each["type"] == "extra_forbidden" for each in found)
    return True


def _keys_of(kind: Kind[Any, Any]) -> list[str]:
    return [about.alias or name for name, about in kind.table.model_fields.items()]


def _limits_of(kind: Kind[Any, Any]) -> Any:
    return kind.table.model_fields["thresholds"].annotation.__args__[1]


def _table_of(name: str) -> Any:
    from alerts.notification.route import RouteTable
    from alerts.silence.window_table import WindowTable

    return {"maintenance": WindowTable, "route": RouteTable}[name]


async def database_files(folder: Path) -> list[str]:
    """What PROBE_DATA holds: files, tables, columns and indexes."""
    history, outbox = await History.open(folder), await Outbox.open(folder)
    found = _tables_in(folder)
    await outbox.close()
    await history.close()
    return sorted(found)


def _tables_in(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.sqlite")):
        db = sqlite3.connect(path)
        number = db.execute("PRAGMA user_version").fetchone()[0]
        found += [path.name, f"{path.name}: user_version {number}"]
        for kind, name in db.execute("SELECT type, name FROM sqlite_schema").fetchall():
            if not name.startswith("sqlite_"):
                found.append(f"{path.name}: {kind} {name}")
                columns = db.execute(f"PRAGMA table_info({name})")
                found += [f"{path.name}: {name}.{column[1]} {column[2]}" for column in columns]
        db.close()
    return found


def paths_in(document: Any, prefix: str = "") -> set[str]:
    """The keys of a JSON document as paths; lists are ``[]``, names that vary ``*``."""
    if isinstance(document, Mapping):
        found = set()
        for key, value in document.items():
            varies = prefix.rpartition(".")[2] in ("labels", "facts", "phases")
            path = f"{prefix}.{'*' if varies else key}".lstrip(".")
            found |= {path} | paths_in(value, path)
        return found
    if isinstance(document, list):
        return {path for value in document for path in paths_in(value, f"{prefix}[]")}
    return set()


def exposed(text: str) -> set[str]:
    """Names, types and label names of an exposition; library metrics are the library's."""
    found = set()
    for line in text.splitlines():
        if line.startswith("# TYPE probe_"):
            _, _, name, kind = line.split()
            found.add(f"{name}: {kind}")
        elif line.startswith("probe_"):
            name, _, labels = line.partition("{")
            names = [part.partition("=")[0] for part in labels.rpartition("}")[0].split('",')]
            found |= {f"{name}{{{label}}}" for label in names if label and label != "le"}
    return found
