"""A message as Slack's blocks, within its limits whatever a target says.

https://docs.slack.dev/reference/block-kit/blocks, messaging/formatting-message-text.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from slack_sdk.models.blocks import (
    Block,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from alerts.model import Message
from alerts.notification.template import change_lines, facts, headline, steps, time_range
from probe.report.text.sanitize import cut

# Slack's limits, in characters.
HEADER, SECTION = 150, 3000
# Of a line that is cut, so much is shown at least.
MIN_LINE = 60
MAX_MENTION = 1000
# RFC 3986, section 2.2, and the mark of what is encoded already.
_OF_URLS = "!#$%&'()*+,/:;=?@[]~"
# What Slack takes for formatting: a word with one of these is shown as code, to be copied.
_FORMATTING = re.compile(r"[*_~`]")


def document(message: Message, mention: str = "", *, whole: bool = False) -> dict[str, Any]:
    """What is posted: ``text`` is what a notification shows. ``whole``: of an update, all
    that is known rather than what has changed."""
    title = PlainTextObject(text=cut(headline(message), HEADER), emoji=False)
    blocks: list[Block] = [HeaderBlock(text=title)]
    blocks += [_section(_fitting(each)) for each in facts(message, whole=whole)]
    if to_do := steps(message, whole=whole):
        # A runbook's text is ours: its commands stay as they are, to be copied.
        ours = [_plain(line) for line in _numbered(to_do)]
        blocks.append(_section(_cut_to_fit(ours) if message.firing else _fitting(to_do)))
    if links := [_link(name, url) for name, url in message.links]:
        blocks.append(_section(_as_many_as_fit(links)))
    if mention:
        blocks.append(_section(_mentioned(mention)))
    return _document(_fitting([headline(message)]), blocks)


def reply(message: Message, mention: str = "") -> dict[str, Any]:
    """What is said in the thread of a message that is edited."""
    lines = [headline(message), *(change_lines(message) or [time_range(message)])]
    called = f" {_mentioned(mention)}" if mention else ""
    text = _fitting(lines, SECTION - len(called)) + called
    return _document(text, [_section(text)])


def _document(text: str, blocks: Sequence[Block]) -> dict[str, Any]:
    return {
        "text": text,
        "blocks": [block.to_dict() for block in blocks],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> SectionBlock:
    """Verbatim: no plain text becomes a link or a mention."""
    return SectionBlock(text=MarkdownTextObject(text=text[:SECTION], verbatim=True))


def _mentioned(mention: str) -> str:
    """As many mentions as leave room for what they are about, each of them whole."""
    if len(mention) <= MAX_MENTION:
        return mention
    return mention[: MAX_MENTION + 1].rpartition(" ")[0]


def _numbered(lines: Sequence[str]) -> list[str]:
    return ["First steps:", *(f"{number}. {line}" for number, line in enumerate(lines, 1))]


def _fitting(lines: Sequence[str], longest: int = SECTION) -> str:
    """Lines in one section. If they are too long each is cut; where so little would be left of
    each that it says nothing, the last ones are counted instead."""
    return _cut_to_fit([_escaped(line) for line in lines], longest)


def _cut_to_fit(escaped: list[str], longest: int = SECTION) -> str:
    if sum(len(line) + 1 for line in escaped) > longest:
        most = longest // MIN_LINE - 1
        left = escaped[most:] if len(escaped) > most + 1 else []
        escaped = [*escaped[:most], f"and {len(left)} more"] if left else escaped
        escaped = [_shorter(line, longest // len(escaped) - 1) for line in escaped]
    return "\n".join(escaped) or "-"


def _shorter(text: str, longest: int) -> str:
    """Cut between characters, never within an escape, and with every code span closed."""
    if len(text) <= longest:
        return text
    kept = re.sub(r"&[a-z]{0,3}$", "", text[: longest - 2])
    return kept + ("`…" if kept.count("`") % 2 else "…")


def _as_many_as_fit(links: Sequence[str]) -> str:
    shown = ""
    for link in links:
        longer = f"{shown} · {link}" if shown else link
        shown = longer if len(longer) <= SECTION else shown
    return shown or "-"


def _escaped(text: str) -> str:
    """Three characters are control characters; so no text of a target's can mention or link.
    A word that would be formatted is a code span, so that what is copied can be pasted."""
    words = (_code(word) if _FORMATTING.search(word) else word for word in text.split(" "))
    return _plain(" ".join(words))


def _code(word: str) -> str:
    """Punctuation around a word stays outside. A code span can't hold a backtick."""
    inner = word.strip(".,;:!?()\"'")
    if not _FORMATTING.search(inner):
        inner = word
    before, _, after = word.partition(inner)
    return f"{before}`{inner.replace('`', chr(39))}`{after}"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(name: str, url: str) -> str:
    plain = quote(url, safe=_OF_URLS, errors="replace").replace("&", "&amp;")
    # A name is ours; what would format it is skipped.
    return f"<{plain}|{_plain(_FORMATTING.sub(' ', name)).replace('|', '¦')}>"
