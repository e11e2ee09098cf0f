"""No text of a target's, a certificate's or a configuration's forges a line, a row, a link, a
mention or an element in any output, and each output stays one that its readers can read."""

import html.parser
import json
import re
import subprocess
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from probe.untrusted.text import untrusted
from tests import requirements
from tests.hostile.texts.corpus import HUGE, MARK, TEXTS
from tests.hostile.texts.outputs import OUTPUTS

PLAIN = "a plain text"
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TOO_MUCH = 2_000_000


def unreadable(text: str, *, lines: bool = True) -> list[str]:
    """Characters that move, hide, turn around, or are none."""
    kept = "\n" if lines else ""
    bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return sorted(
        {repr(each) for each in text if unicodedata.category(each) in bad and each not in kept}
    )


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a document, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def terminal(text: str, _: str) -> None:
    """Colours of ours alone; no line of the target's making; what CI services take for commands."""
    shown = _SGR.sub("", text)
    assert unreadable(shown) == []
    assert not re.search(r"^\s*::\w.*::|##\w*\[", text, re.MULTILINE)


def log(text: str, plain: str) -> None:
    """One line."""
    assert text.count("\n") == plain.count("\n") == 1
    assert unreadable(_SGR.sub("", text)) == []


def as_json(text: str, _: str) -> None:
    """One document that strict readers take."""
    for each in texts_in(json.loads(text)):
        each.encode()  # no half of a surrogate pair
    assert text.isascii() or unreadable(text) == []


def xml(text: str, plain: str) -> None:
    """XML 1.0, with the same elements whatever is said."""
    assert _NOT_XML.findall(text) == []
    found, known = ET.fromstring(text), ET.fromstring(plain)
    assert [each.tag for each in found.iter()] == [each.tag for each in known.iter()]
    for each in found.iter():
        for said in (each.text or "", *each.attrib.values()):
            assert unreadable(said) == []


def workflow(text: str, plain: str) -> None:
    """As many commands as ever, and nothing else."""
    assert [line.split("=")[0] for line in text.splitlines()] == [
        line.split("=")[0] for line in plain.splitlines()
    ]
    assert unreadable(text) == []


def elements(text: str) -> Counter[str]:
    """What Markdown makes of it, as GitHub renders it."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found: Counter[str] = Counter()
    for block in reader.parse(text):
        found[block.type] += block.type not in ("inline",)
        for each in block.children or ():
            found[each.type] += each.type not in ("text", "text_special", "softbreak")
    return +found


# What GitHub and GitLab look for in a text that is rendered: people, issues, merge requests,
# snippets, milestones, epics, labels, addresses of mail.
_REFERENCES = re.compile(r"@[\w/]|[#!$%&]\d|~[\w\"]|\bGH-\d", re.IGNORECASE)


def rendered(text: str) -> str:
    """What can be read outside of code, for which no references are looked for."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = [block for block in reader.parse(text) if block.type == "inline"]
    shown = ("text", "text_special")
    return "\n".join(
        "".join(each.content if each.type in shown else "\n" for each in block.children or ())
        for block in blocks
    )


def markdown(text: str, plain: str) -> None:
    """The same elements whatever is said, nothing that becomes a link by itself, nobody called."""
    assert elements(text) == elements(plain)
    without_code = re.sub(r"^```mermaid$.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"(?:https?://|www\.|mailto:|[^\\]@)", without_code)
    assert _REFERENCES.findall(rendered(text)) == []
    assert unreadable(text) == []


def formatted(value: Any) -> Iterator[str]:
    """The texts that Slack formats; a header's is plain."""
    if isinstance(value, dict) and value.get("type") != "plain_text":
        assert value.get("type") != "mrkdwn" or value.get("verbatim"), "it parses names and links"
        yield from (each for each in value.values() if isinstance(each, str))
        for each in value.values():
            yield from formatted(each)
    elif isinstance(value, list):
        for each in value:
            yield from formatted(each)


def slack(text: str, _: str) -> None:
    """The one mention that is configured, and links of ours."""
    for each in formatted(json.loads(text)):
        marks = re.findall(r"<[^>\n]*>?", each)
        assert all(
            mark == "<!here>" or re.fullmatch(r"<https://(probe\.example|github)[^>]*>", mark)
            for mark in marks
        ), marks
        assert unreadable(each) == []


class Elements(html.parser.HTMLParser):
    """Tags and attributes of a page, and what its links lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.found.add((tag, name))
            if name in ("href", "src", "action"):
                self.targets.append(value or "")


def page(text: str, plain: str) -> None:
    """No element, attribute or foreign link that was not there before."""
    found, known = Elements(text), Elements(plain)
    assert found.found <= known.found | {("li", "class"), ("p", "class"), ("span", "class")}
    for each in found.targets:
        assert not re.match(r"\s*(javascript|https?://evil|//)", each), each
    assert not set("\x1b\0\u202e\ud800") & set(text)
    text.encode()


def metrics(text: str, plain: str) -> None:
    """As many series as ever, for the parsers of both formats."""
    parse = openmetrics if text.endswith("# EOF\n") else prometheus
    found, known = (
        [sample.name for family in parse(each) for sample in family.samples]
        for each in (text, plain)
    )
    assert found == known
    assert text.count("\n") == plain.count("\n")


CHECKS: dict[str, Callable[[str, str], None]] = {
    **{"terminal": terminal, "log": log, "json": as_json, "xml": xml, "workflow": workflow},
    **{"markdown": markdown, "slack": slack, "html": page, "metrics": metrics},
}
CASES = [(kind, name) for kind, outputs in OUTPUTS.items() for name in outputs]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[" ".join(each) for each in CASES])
def test_no_text_is_more_than_text(kind: str, name: str) -> None:
    write = OUTPUTS[kind][name]
    plain, wrong = write(PLAIN), {}
    huge = {what: untrusted(text) for what, text in HUGE.items()}
    for what, text in (TEXTS | huge).items():
        try:
            written = write(text)
            CHECKS[kind](written, plain)
            assert MARK in written, "it is not there to be read"
            assert len(written) < TOO_MUCH
        except (AssertionError, ValueError, ET.ParseError) as error:
            wrong[what] = f"{type(error).__name__}: {str(error)[:300]}"
    assert wrong == {}


@pytest.mark.proof
def test_promtool_takes_the_metrics_whatever_is_said() -> None:
    command = [requirements.program("promtool", part="prometheus"), "check", "metrics"]
    for what, text in TEXTS.items():
        page = OUTPUTS["metrics"]["prometheus"](text).encode()
        done = subprocess.run(command, input=page, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), what
