"""Silences of a check that has another name from a reload or a start on: they name both."""

import logging
import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from alerts.model import Silence
from alerts.outbox.outbox import Outbox
from alerts.silence.matcher import Matcher, is_meant, parse

logger = logging.getLogger(__name__)


async def follow_renames(
    outbox: Outbox, silences: Sequence[Silence], names: Mapping[str, str]
) -> list[Silence]:
    """The silences, with the new name of each check by its old one; what has changed is stored."""
    found = []
    for silence in silences:
        matchers = silence.matches
        for old, new in names.items():
            matchers = with_name(matchers, old, new)
        if matchers != silence.matches:
            silence = replace(silence, matches=matchers)
            await outbox.add_silence(silence)
            logger.warning(
                "silence %s is of %s now: checks have other names", silence.name, matchers
            )
        found.append(silence)
    return found


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
