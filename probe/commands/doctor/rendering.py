"""The doctor's findings as one screen of text, or JSON (``"schema": 1``)."""

from collections.abc import Iterator

from msgspec.structs import asdict

from probe.commands.doctor.findings import Examination, SystemState
from probe.report.formats import Style
from probe.report.json.fields import printed
from probe.report.text.sanitize import clean, without_commands
from probe.report.text.wrap import wrapped
from probe.untrusted.text import listed

SCHEMA = 1
_MARKS = {
    SystemState.READY: ("✓", "32"),
    SystemState.ATTENTION: ("!", "33"),
    SystemState.UNKNOWN: ("?", "35"),
    SystemState.NOT_READY: ("✗", "1;31"),
}
_VERDICT_TEXTS = {
    SystemState.READY: "READY",
    SystemState.UNKNOWN: "NOT DECIDED",
    SystemState.NOT_READY: "NOT READY",
}
NARROWEST = 60
# Of a list within a sentence.
MAX_NAMES = 4


def as_text(found: Examination, style: Style) -> str:
    """One line for each finding, which goes on below its text where it is longer than the width;
    hints only where something is to be done."""
    width = max(style.width, NARROWEST)
    lines = (wrapped(line, width, column) for line, column in _lines(found))
    verdict, *rest = (each for lines_of_one in lines for each in lines_of_one)
    text = "\n".join((_coloured(verdict, found.verdict, style), *rest))
    return without_commands(f"{text}\n")


def as_json(found: Examination) -> str:
    """The same for programs. Keys are added, never renamed or removed."""
    document = {
        "schema": SCHEMA,
        "kind": "doctor",
        "verdict": found.verdict.value,
        "offline": found.offline,
        "systems": [{**asdict(item), "state": item.state.value} for item in found.items],
        "monitored": {kind: list(names) for kind, names in found.monitored.items()},
        "not_monitored": [asdict(each) for each in found.not_monitored],
        "missing_variables": [
            {
                "name": each.name,
                "adds": list(each.adds),
                "needs": list(each.needs),
                "text": each.text,
            }
            for each in found.missing
        ],
        "clocks": [
            {
                "server": each.server,
                "ahead_seconds": round(each.ahead, 3),
                "uncertainty_seconds": round(each.uncertainty, 3),
            }
            for each in found.clocks
        ],
        "versions": dict(found.versions),
    }
    return printed(document)


def _lines(found: Examination) -> Iterator[tuple[str, int]]:
    """Each line, and the column in which its text begins."""
    bad = [
        item for item in found.items if item.state in (SystemState.NOT_READY, SystemState.UNKNOWN)
    ]
    what = f"{len(found.items) - len(bad)} of {len(found.items)} systems are ready"
    offline = ", nothing was sent" if found.offline else ""
    yield f"{_VERDICT_TEXTS[found.verdict]}: {what}{offline}", 0
    names = max((len(item.name) for item in found.items), default=0)
    for item in found.items:
        yield f"{_MARKS[item.state][0]} {item.name:{names}}  {clean(item.detail)}", names + 4
        if item.hint and item.state is not SystemState.READY:
            yield f"  {'':{names}}  {clean(item.hint)}", names + 4
    if found.monitored:
        kinds = (f"{kind} ({listed(each, MAX_NAMES)})" for kind, each in found.monitored.items())
        yield f"Monitored: {', '.join(kinds)}", 2
    if found.not_monitored:
        yield "Not monitored:", 0
    for each in found.not_monitored:
        yield f"  {', '.join(each.kinds)}: {clean(each.reason)}", 4
    if found.missing:
        yield "Not set:", 0
    for missing in found.missing:
        needs = f"with {listed(missing.needs, MAX_NAMES)} " if missing.needs else ""
        adds = f"{needs}adds {listed(missing.adds, MAX_NAMES)}: " if missing.adds else ""
        yield f"  {missing.name}: {adds}{clean(missing.text)}", 4
    versions = ", ".join(f"{name} {clean(each)}" for name, each in found.versions.items())
    yield f"Versions: {versions}", 2


def _coloured(line: str, state: SystemState, style: Style) -> str:
    return f"\x1b[{_MARKS[state][1]}m{line}\x1b[0m" if style.colour else line
