"""The runbooks of one configuration: the package's pages and the operators' own, filled in."""

import re
from collections.abc import Mapping

from msgspec import Struct, field

from alerts.model import Alert
from alerts.runbooks import Runbook, page, pages_named, rendered, slugs, steps_of, unfilled
from alerts.runbooks.template import Values
from probe.core.causes import Cause
from probe.core.kind import Check

_OWN = "check-"
_PLACE = re.compile(
    r"(\w+)(?:://(?:[^/@\s]*@)?|(?<=turn):|(?<=stun):|(?<=turns):|(?<=stuns):)"
    r"(\[[^\]]*\]|[^:/?#\s]+)(?::(\d+))?"
)
# What a target without a port means, as RFC 7064, 7065 and 9110 have it.
_PORTS = {
    **{"http": "80", "ws": "80", "https": "443", "wss": "443", "redis": "6379", "rediss": "6379"},
    **{"stun": "3478", "turn": "3478", "stuns": "5349", "turns": "5349", "postgresql": "5432"},
}


def own_slug(check: str) -> str:
    """The page of a check that has a runbook of its own, in a file."""
    return f"{_OWN}{check}"


def is_address(runbook: str) -> bool:
    """Whether a runbook is a page elsewhere."""
    return runbook.startswith(("https://", "http://"))


def link_to(runbook: str, public_url: str) -> str:
    """The address of a runbook: its own, or of its page at the probe; empty where it has none."""
    if is_address(runbook):
        return runbook
    return f"{public_url}/runbooks/{runbook}" if public_url and runbook else ""


def chosen(check: Check, slug: str) -> str:
    """What an alert of a check leads to: the operators' own page, or else ``slug``."""
    own = check.table.runbook
    if own is None:
        return slug
    return own if is_address(own) else own_slug(check.name)


class RunbookLibrary(Struct, frozen=True):
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
        return own + [(slug, unfilled(slug).title) for slug in slugs()]

    def steps(self, alert: Alert) -> tuple[str, ...]:
        """The first steps for an alert; none where its runbook is a page elsewhere."""
        found = self._page_of(alert)
        return steps_of(found) if found is not None else ()

    def related(self, alert: Alert) -> tuple[tuple[str, str], ...]:
        """The pages that these steps lead to: the words that name each, and its slug."""
        found = self._page_of(alert)
        return pages_named(found) if found is not None else ()

    def _page_of(self, alert: Alert) -> Runbook | None:
        values = {**self.values, **values_of(alert)}
        if alert.runbook in self.own:
            return rendered(self.own[alert.runbook], values)
        return page(alert.runbook, values) if alert.runbook in slugs() else None


def values_of(alert: Alert) -> Values:
    """What an alert says, by a template's names."""
    labels = dict((*alert.labels, *alert.identity.labels))
    host, port = _place(alert.target)
    found: dict[str, object] = {
        "check": alert.identity.check,
        "kind": alert.kind,
        "target": alert.target,
        "host": host,
        "port": port,
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


def _place(target: str) -> tuple[str, str]:
    """Host and port of a target as people see it: a web address, or a STUN or TURN URL. Empty
    where it names none."""
    found = _PLACE.match(target)
    if found is None:
        return "", ""
    scheme, host, port = found.groups()
    return host, port or _PORTS.get(scheme, "")


def _services(alert: Alert) -> tuple[str, ...]:
    """The services that a health check names as down: its message begins with them."""
    if alert.cause != Cause.SERVICE_DOWN:
        return ()
    component = alert.summary.rpartition(" down")[0]
    for verb in (" is", " are"):
        component = component.removesuffix(verb)
    named = component.rpartition(": ")[2].replace(" and ", ", ")
    return tuple(name.strip().lower() for name in named.split(",") if name.strip())
