"""Matchers: which alerts a silence, a maintenance window or a route is about.

``name=value``, ``name!=value``, ``name=~regex`` and ``name!~regex`` are Alertmanager's: all of
them have to match, regular expressions (RE2's) the whole value. Names are ``check``, ``kind``,
``rule``, ``severity``, ``region``, ``cause``, ``alertname`` and the alert's own labels, as
Alertmanager is sent them. A word without an operator is a check, a kind or a label value,
wildcards (``turn-*``) allowed; one of several has to match.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct

from alerts.model import Alert
from alerts.silence.regular_expression import compiled, is_full_match
from alerts.state.labels import common_labels, given_labels, labels_of_check
from probe.core.kind import Check

EVERYTHING = "*"
_OPERATOR = re.compile(r"^([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*)$", re.DOTALL)
_LONGEST = 200
# What a check has, before anything is known of an alert about it.
_OF_ALERTS = frozenset({"rule", "severity", "region", "cause", "alertname"})


class Matcher(Struct, frozen=True):
    """One condition on a label, as Alertmanager has it."""

    name: str
    operator: str
    value: str

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; a label that is missing is empty."""
        found = labels.get(self.name, "")
        equal = is_full_match(self.value, found) if self.is_regex else found == self.value
        return equal is not self.operator.startswith("!")

    @property
    def is_regex(self) -> bool:
        """Whether its value is a regular expression."""
        return self.operator.endswith("~")

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Matcher | None:
    """A matcher; None for a bare word. Raises ValueError for a regular expression that is
    none."""
    found = _OPERATOR.match(text)
    if found is None:
        return None
    name, operator, value = found.groups()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if operator.endswith("~"):
        compiled(value)
    return Matcher(name, operator, value)


def check_matchers(matchers: Sequence[str]) -> None:
    """Raise ValueError for words that can't be matched with: none at all, or too long."""
    if not matchers:
        raise ValueError("no matcher: name what to match, or write '*' for everything")
    for text in matchers:
        if not text.strip() or len(text) > _LONGEST:
            raise ValueError(f"a matcher has 1 to {_LONGEST} characters")
        parse(text)


def matches(matchers: Iterable[str], alert: Alert) -> bool:
    """Whether an alert matches; no matchers at all match everything."""
    return matching(alert)(matchers)


def matching(alert: Alert) -> Callable[[Iterable[str]], bool]:
    """Says of matchers whether an alert matches, of many silences as quickly as of few."""
    own = (*alert.labels, *alert.identity.labels)
    names = {alert.identity.check, alert.kind, *(value for _, value in own)}
    labels = _labels_of(alert)
    return lambda matchers: _match(tuple(matchers), labels, names)


def matched_checks(matchers: Iterable[str], checks: Iterable[Check]) -> list[str]:
    """The checks that matchers are about, as far as a check can tell: what only an alert has
    (severity, rule, cause) is taken to match."""
    given = tuple(matchers)
    known = [text for text in given if not _is_of_alerts(text)]
    found = []
    for check in checks:
        labels = labels_of_check(check)
        if _match(known, labels, labels.values()):
            found.append(check.name)
    return found


def about(matchers: Iterable[str]) -> str:
    """What matchers are about, for people."""
    named = [text for text in matchers if text != EVERYTHING]
    return ", ".join(named) or "everything"


def is_everything(matchers: Iterable[str]) -> bool:
    """Whether matchers leave nothing out."""
    return all(text == EVERYTHING for text in matchers)


def is_meant(text: str, names: Iterable[str]) -> bool:
    """Whether a word without an operator is one of these names, or matches one."""
    # Equality too: the brackets of an IPv6 address would be a wildcard.
    return any(text == name or fnmatchcase(name, text) for name in names)


def _match(matchers: Sequence[str], labels: Mapping[str, str], names: Iterable[str]) -> bool:
    parsed = [(text, parse(text)) for text in matchers]
    bare = [text for text, matcher in parsed if matcher is None]
    if bare and not any(is_meant(text, names) for text in bare):
        return False
    return all(matcher.accepts(labels) for _, matcher in parsed if matcher is not None)


def _is_of_alerts(text: str) -> bool:
    matcher = parse(text)
    return matcher is not None and matcher.name in _OF_ALERTS


def _labels_of(alert: Alert) -> dict[str, str]:
    """What matchers may name; a value's own cause comes first."""
    return {"cause": alert.cause, **given_labels(alert), **common_labels(alert)}
