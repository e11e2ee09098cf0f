"""The configuration reference: every variable, and every key of ``probe.toml``."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from alerts.notification.route import RouteTable
from alerts.notifiers.base import NotifierKind
from alerts.silence.window_table import WindowTable
from probe.config.discovery.reading import DiscoveryTable
from probe.config.gate_table import GateTable
from probe.config.probe_environment import ProbeEnvironment
from probe.core.environment import Environment
from probe.core.kind import CheckConfig, Kind
from probe.core.tables.threshold_config import PROMETHEUS_NAMES, ThresholdConfig
from probe.exporter.settings import ExporterEnvironment, ExporterTable
from probe.otel.settings import OtelEnvironment
from probe.reference.fields import SettingField, fields_of, own_fields
from probe.reference.markdown import code, table
from probe.telemetry.custom_queries import OwnQuery
from probe.turn_targets.table import TurnServerConfig

Kinds = Sequence[Kind[Any, Any]]
Notifiers = Sequence[NotifierKind[Any]]

_HEAD = """\
# Configuration reference

Made by `make generate` from the settings models. How variables and files are read, and how
`probe.toml` is written, is in [configuration](configuration.md).

## Variables

Each may also be given as `NAME_FILE=/path/to/file`, or as a file `NAME` in the directory that
`PROBE_SECRETS_DIR` names (default `/run/secrets`). An empty variable counts as not set.
"""
_TABLES = """\
## probe.toml

Each check is a table of its kind (`[[http]]`); an entry with the name of a check that the
variables bring changes that check. A key that ends in `_from` names a variable that holds the
value: `password_from = "EU_TURN_PASSWORD"`.

### Every check

These keys belong to every table of every kind.
"""


def variables_by_title(kinds: Kinds, notifiers: Notifiers) -> dict[str, list[SettingField]]:
    """Every variable once, under the title of the first model that reads it."""
    own: tuple[str, type[Environment]] = ("The probe", ProbeEnvironment)
    checks = [
        (each.environment.title or f"Checks: {each.name}", each.environment) for each in kinds
    ]
    exporter = (ExporterEnvironment.title, ExporterEnvironment)
    others = [(f"Notifications: {each.name}", each.environment) for each in notifiers]
    others = [exporter, (OtelEnvironment.title, OtelEnvironment), *others]
    known: set[str] = set()
    found: dict[str, list[SettingField]] = {title: [] for title, _ in (*checks, own, *others)}
    for title, model in (own, *checks, *others):
        new = [each for each in fields_of(model) if each.name not in known]
        known |= {each.name for each in new}
        found[title] += new
    return {title: fields for title, fields in found.items() if fields}


def reference(kinds: Kinds, notifiers: Notifiers) -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_variables(kinds, notifiers), _TABLES, *_tables(kinds)))


def _variables(kinds: Kinds, notifiers: Notifiers) -> Iterator[str]:
    for title, fields in variables_by_title(kinds, notifiers).items():
        yield f"### {title}\n"
        yield _listed("variable", fields)


def _tables(kinds: Kinds) -> Iterator[str]:
    yield _listed("key", fields_of(CheckConfig))
    names = ", ".join(f"`{name}` for `{ours}`" for name, ours in PROMETHEUS_NAMES.items())
    yield f"Prometheus' names are accepted too: {names}.\n"
    yield "### Thresholds\n\nThe keys of a signal's entry in `thresholds`, in the signal's unit.\n"
    yield _listed("key", fields_of(ThresholdConfig))
    yield (
        "### TURN servers\n\nKeys of every table that names a TURN server: "
        + ", ".join(
            f"`[[{each.name}]]`" for each in kinds if issubclass(each.table, TurnServerConfig)
        )
        + ".\n"
    )
    yield _listed("key", own_fields(TurnServerConfig, CheckConfig))
    for kind in kinds:
        yield from _kind(kind)
    yield "### [exporter]\n\nWhat `/probe` may contact, and how often: [exporter](exporter.md).\n"
    yield _listed("key", fields_of(ExporterTable))
    yield "### [[discovery]]\n\nChecks of targets from service discovery: [scale](scale.md).\n"
    yield _listed("key", fields_of(DiscoveryTable))
    yield "### [[maintenance]]\n\nA maintenance window: one-off, or recurring.\n"
    yield _listed("key", fields_of(WindowTable))
    yield "### [[route]]\n\nAn own route; the first that matches an alert decides.\n"
    yield _listed("key", fields_of(RouteTable))
    yield "### [[gate]]\n\nAn objective of the [release gate](release-gate.md).\n"
    yield _listed("key", fields_of(GateTable))


def _kind(kind: Kind[Any, Any]) -> Iterator[str]:
    base = TurnServerConfig if issubclass(kind.table, TurnServerConfig) else CheckConfig
    fields = own_fields(kind.table, base)
    extra = " and [a TURN server](#turn-servers)" if base is TurnServerConfig else ""
    yield f"### [[{kind.name}]]\n\n{kind.summary[:1].upper()}{kind.summary[1:].rstrip('.')}.\n"
    if not fields:
        yield f"No keys other than those of [every check](#every-check){extra}.\n"
        return
    yield f"In addition to the keys of [every check](#every-check){extra}:\n"
    yield _listed("key", fields)
    if any(each.name == "queries" for each in fields):
        yield "Each of `queries`:\n"
        yield _listed("key", fields_of(OwnQuery))


def _listed(what: str, fields: Iterable[SettingField]) -> str:
    rows = [
        (
            code(each.name),
            each.type,
            "required" if each.required else code(each.default),
            code(each.example),
            each.text,
        )
        for each in fields
    ]
    return table((what, "type and unit", "default", "example", "meaning"), rows)
