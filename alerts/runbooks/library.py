"""The runbooks of one configuration: the package's pages and the operators' own, filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from alerts.model import Alert
from alerts.runbooks import Runbook, page, rendered, slugs, steps_of, template
from alerts.runbooks.template import Values
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.net.urls import show_host

_OWN = "check-"


def own_slug(check: str) -> str:
    """The page of a check that has a runbook of its own, in a file."""
    return f"{_OWN}{check}"


def is_address(runbook: str) -> bool:
    """Whether a runbook is a page elsewhere."""
    return runbook.startswith(("https://", "http://"))


def chosen(check: Check, slug: str) -> str:
    """What an alert of a check leads to: the operators' own page, or else ``slug``."""
    own = check.table.runbook
    if own is None:
        return slug
    return own if is_address(own) else own_slug(check.name)


@dataclass(frozen=True)
class RunbookLibrary:
    """``values`` are what the configuration says, by a template's names; ``own`` the
    operators' pages from files, by slug."""

    values: Values = field(default_factory=dict)
    own: Mapping[str, Runbook] = field(default_factory=dict)

    def page(self, slug: str) -> Runbook | None:
        """A page, as far as the configuration fills it; None where there is none."""
        if slug in self.own:
            return rendered(self.own[slug], self.values)
        return page(slug, self.values) if slug in slugs() else None

    def titles(self) -> list[tuple[str, str]]:
        """Slug and title of every page, the operators' own first."""
        own = [(slug, self.own[slug].title) for slug in sorted(self.own)]
        return own + [(slug, template(slug).title) for slug in slugs()]

    def steps(self, alert: Alert) -> tuple[str, ...]:
        """The first steps for an alert; none where its runbook is a page elsewhere."""
        values = {**self.values, **values_of(alert)}
        if alert.runbook in self.own:
            return steps_of(rendered(self.own[alert.runbook], values))
        return steps_of(page(alert.runbook, values)) if alert.runbook in slugs() else ()


def values_of(alert: Alert) -> Values:
    """What an alert says, by a template's names."""
    labels = dict((*alert.labels, *alert.identity.labels))
    found: dict[str, object] = {
        "check": alert.identity.check,
        "kind": alert.kind,
        "target": alert.target,
        "host": _host(alert.target),
        "cause": alert.cause,
        "phase": alert.phase,
        "services": _services(alert),
        "region": alert.region,
        "provider": labels.get("provider", ""),
        "transport": labels.get("transport", ""),
        "machine": labels.get("machine", ""),
    }
    # What an alert doesn't say is shown as a name in capitals.
    return {name: value for name, value in found.items() if value or name in ("cause", "services")}


def _host(target: str) -> str:
    """The host of a target as people see it: a web address, or a TURN URL."""
    first = target.split(" ")[0]
    if "://" in first:
        return urlsplit(first).hostname or show_host(first)
    scheme, _, rest = first.partition(":")
    return rest.partition("?")[0].rpartition(":")[0] or rest if scheme.startswith("turn") else ""


def _services(alert: Alert) -> tuple[str, ...]:
    """The services that a health check names as down: its message begins with them."""
    if alert.cause != Cause.SERVICE_DOWN:
        return ()
    component = alert.summary.rpartition(" down")[0]
    for verb in (" is", " are"):
        component = component.removesuffix(verb)
    named = component.rpartition(": ")[2].replace(" and ", ", ")
    return tuple(name.strip().lower() for name in named.split(",") if name.strip())
