"""Tables for pages that are written by hand, by the name of their block."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from alerts.notifiers.base import NotifierKind
from probe.core.causes import HINTS, Cause
from probe.core.kind import Kind
from probe.metrics import families
from probe.metrics.families import Family
from probe.reference.fields import fields_of
from probe.reference.markdown import code, table
from probe.reference.own_metrics import own_metrics
from probe.reference.signals import families as family_table

Kinds = Sequence[Kind[Any, Any]]
Notifiers = Sequence[NotifierKind[Any]]


def blocks(kinds: Kinds, notifiers: Notifiers, commands: click.Group) -> Mapping[str, str]:
    """Every block there is; ``commands`` is the command line."""
    return {
        "checks": _checks(kinds),
        "costs": _costs(kinds),
        "notifiers": _notifiers(notifiers),
        "causes": _causes(),
        "commands": _commands(commands),
        "check-metrics": family_table(_check_families()),
        "own-metrics": own_metrics(),
    }


def _checks(kinds: Kinds) -> str:
    rows = [(code(each.name), _every(each), each.summary) for each in kinds]
    return table(("kind", "every", "what a run does"), rows)


def _costs(kinds: Kinds) -> str:
    rows = [(code(each.name), _every(each), each.cost) for each in kinds if each.cost]
    return table(("kind", "every", "cost of a run"), rows)


def _every(kind: Kind[Any, Any]) -> str:
    return "on request" if kind.on_request else f"{kind.interval:g} s"


def _notifiers(notifiers: Notifiers) -> str:
    rows = []
    for each in notifiers:
        names = ", ".join(code(field.name) for field in fields_of(each.environment))
        severities = " and ".join(sorted(severity.value for severity in each.severities))
        rows.append((code(each.name), each.summary, names, severities))
    return table(("notifier", "what it sends", "variables", "severities"), rows)


def _causes() -> str:
    return table(("cause", "first thing to try"), [(code(each), HINTS[each]) for each in Cause])


def _check_families() -> list[Family]:
    return [each for each in vars(families).values() if isinstance(each, Family)]


def _commands(group: click.Group) -> str:
    parts = []
    for path, command in _walk(group, "probe"):
        parts.append(f"### `{path}`\n\n{_sentence(command)}\n")
        rows = [(code(_usage(each)), _option_text(each)) for each in command.params]
        if rows:
            parts.append(table(("argument or option", "meaning"), rows))
    return "\n".join(parts)


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _walk(each, f"{path} {name}")


def _sentence(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _usage(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Option):
        return (parameter.name or "").upper()
    if parameter.is_flag:
        return ", ".join((*parameter.opts, *parameter.secondary_opts))
    metavar = parameter.metavar or parameter.type.name.upper()
    if isinstance(parameter.type, click.Choice):
        metavar = "|".join(parameter.type.choices)
    elif isinstance(parameter.type, click.Path):
        metavar = "PATH"
    return f"{', '.join(parameter.opts)} {metavar}"


def _option_text(parameter: click.Parameter) -> str:
    if not isinstance(parameter, click.Option):
        return ""
    default = parameter.default
    shown = not parameter.is_flag and isinstance(default, str | float | int) and default
    return (parameter.help or "") + (f" Default: `{default}`." if shown else "")
