"""Silences of a check that has another name from a reload or a start on: they name both."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from alerts.model import Silence
from alerts.silence.matcher import Matcher, is_meant, parse


def with_names(silence: Silence, names: Mapping[str, str]) -> Silence:
    """A silence, with the new name of each check by its old one."""
    matchers = silence.matches
    for old, new in names.items():
        matchers = with_name(matchers, old, new)
    return silence if matchers == silence.matches else replace(silence, matches=matchers)


def with_name(matchers: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """Matchers that are about a check by its ``old`` name, about the ``new`` one too."""
    parsed = [(text, parse(text)) for text in matchers]
    bare = [text for text, matcher in parsed if matcher is None]
    named = any(is_meant(text, [old]) for text in bare)
    added = [new] if named and not any(is_meant(text, [new]) for text in bare) else []
    return (
        *(text if each is None else _both(text, each, old, new) for text, each in parsed),
        *added,
    )


def _both(text: str, matcher: Matcher, old: str, new: str) -> str:
    """A matcher that treats the new name of a check as the old one, if it named that."""
    accepts = [matcher.accepts({"check": name}) for name in (old, new)]
    excludes = matcher.operator.startswith("!")
    if matcher.name != "check" or accepts[0] == accepts[1] or accepts[0] is excludes:
        return text
    value = matcher.value if matcher.is_regex else re.escape(matcher.value)
    return str(Matcher("check", "!~" if excludes else "=~", f"{value}|{re.escape(new)}"))
