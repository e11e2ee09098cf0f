"""The house: imports run one way, heavy libraries load late, registrations are complete."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from probe.catalogue import all_signals
from probe.kinds import KINDS

ROOT = Path(__file__).parent.parent
PACKAGES = ("probe", "alerts", "dashboards")

# What a place may import of ours, from the ground up. A name stands for itself and all
# that is below it.
WORDS = {
    "probe.causes",
    "probe.context",
    "probe.model",
    "probe.past",
    "probe.record",
    "probe.signals",
}
FRAME = WORDS | {"probe.variables", "probe.kind"}
INSTRUMENTS = FRAME | {"probe.net", "probe.rtc", "probe.paircam", "probe.stores"}
WHOLE_HOUSE = (
    *INSTRUMENTS,
    "alerts",
    "probe.app",
    "probe.budget",
    "probe.catalogue",
    "probe.commands",
    "probe.configuration",
    "probe.daemon",
    "probe.errors",
    "probe.exits",
    "probe.exporter",
    "probe.families",
    "probe.kinds",
    "probe.lab",
    "probe.logs",
    "probe.redact",
    "probe.report",
    "probe.runner",
    "probe.settings",
)
MAY_IMPORT: dict[str, set[str]] = {
    "probe.causes": set(),
    "probe.model": {"probe.causes"},
    "probe.signals": {"probe.model"},
    "probe.record": {"probe.model"},
    "probe.context": set(),
    "probe.past": {"probe.model"},
    "probe.variables": set(),
    "probe.kind": WORDS | {"probe.variables"},
    "probe.net": WORDS | {"probe.net"},
    "probe.paircam": FRAME | {"probe.net", "probe.paircam"},
    "probe.rtc": INSTRUMENTS,
    # Two sources tell of the same shares.
    "probe.rtc.peer_figures": INSTRUMENTS | {"probe.telemetry.signals"},
    "probe.stores": WORDS | {"probe.net", "probe.stores"},
    "probe.telemetry": FRAME | {"probe.net", "probe.telemetry"},
    "probe.budget": FRAME,
    "probe.ledger": FRAME | {"probe.budget"},
    "probe.kinds": {
        *INSTRUMENTS,
        "probe.budget",
        "probe.kinds",
        "probe.ledger",
        "probe.stores",
        "probe.telemetry",
    },
    "probe.catalogue": FRAME,
    "probe.runner": FRAME,
    "probe.schedule": set(),
    "probe.families": FRAME,
    "probe.exporter": FRAME | {"probe.families"},
    "probe.history": WORDS | {"probe.history"},
    "probe.redact": set(),
    "probe.logs": {"probe.redact", "probe.report.text"},
    "probe.errors": {"probe.model", "probe.redact"},
    "probe.heartbeat": WORDS | {"probe.logs", "probe.net"},
    "probe.web": {"probe.report", "probe.web"},
    "probe.configuration": FRAME | {"probe.catalogue"},
    "probe.report": WORDS | {"probe.report"},
    "probe.lab": {"probe.lab"},
    # Words for people, and what any client of the web needs: no engine of the probe's.
    "alerts": FRAME | {"probe.catalogue", "probe.net", "probe.redact", "probe.report", "alerts"},
    # What a rule or a panel asks for is what the exporter writes.
    "dashboards": {
        *FRAME,
        "alerts.prometheus",
        "dashboards",
        "probe.exporter",
        "probe.families",
        "probe.kinds",
    },
    "probe.settings": {
        *FRAME,
        "alerts",
        "probe.configuration",
        "probe.errors",
        "probe.net.urls",
    },
    "probe.app": {*FRAME, "alerts", "probe.configuration", "probe.report", "probe.runner"},
    "probe.daemon": {
        *FRAME,
        "alerts",
        "probe.app",
        "probe.budget",
        "probe.catalogue",
        "probe.configuration",
        "probe.daemon",
        "probe.errors",
        "probe.exporter",
        "probe.families",
        "probe.heartbeat",
        "probe.history",
        "probe.kinds.budget",
        "probe.ledger",
        "probe.logs",
        "probe.report",
        "probe.rtc",
        "probe.runner",
        "probe.schedule",
        "probe.settings",
        "probe.web",
    },
    "probe.exits": set(),
    "probe.commands": set(WHOLE_HOUSE),
    "probe.cli": {"probe.commands", "probe.exits"},
    "probe.__main__": {"probe.cli"},
}


def _modules() -> list[tuple[str, Path]]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(part for part in parts if part != "__init__"), path))
    return found


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name, _ in _modules()}
            found |= {name for name in names if name in modules} or {str(node.module)}
    return found


def _is_below(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


def _ours() -> list[tuple[str, Path]]:
    return [(name, path) for name, path in _modules() if name not in PACKAGES]


@pytest.mark.parametrize(("name", "path"), _ours(), ids=lambda value: str(value))
def test_imports_run_one_way(name: str, path: Path) -> None:
    places = [place for place in MAY_IMPORT if _is_below(name, place)]
    assert places, f"{name} has no place in the house yet"
    allowed = MAY_IMPORT[max(places, key=len)]
    for found in _imports(path):
        if found.split(".")[0] in (*PACKAGES, "tests"):
            assert any(_is_below(found, place) for place in allowed), f"{name} imports {found}"


def test_no_kind_imports_another() -> None:
    for name, path in _ours():
        if name.startswith("probe.kinds."):
            others = {found for found in _imports(path) if _is_below(found, "probe.kinds")}
            assert others <= {name}, f"{name} imports {others}"


def test_every_kind_is_registered() -> None:
    files = {path.stem for _, path in _ours() if path.parent.name == "kinds"} - {"__init__"}
    assert {kind.name for kind in KINDS} == files


def test_names_of_signals_are_prometheus_names_with_their_unit() -> None:
    suffixes = {"seconds": "_seconds", "bytes": "_bytes", "ratio": "_ratio"}
    # blackbox_exporter's names, which people's queries carry.
    exceptions = {"probe_ssl_earliest_cert_expiry", "probe_http_uncompressed_body_length"}
    for signal in all_signals(KINDS):
        assert signal.name.startswith("probe_")
        assert signal.help.endswith(".")
        suffix = suffixes.get(signal.unit, "")
        assert signal.counter == signal.name.endswith("_total"), signal.name
        name = signal.name.removesuffix("_total")
        assert name.endswith(suffix) or signal.name in exceptions, signal.name


def _loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_the_command_line_loads_nothing_heavy_for_its_help() -> None:
    loaded = _loaded_after("import probe.cli")
    assert not loaded & {"pydantic", "aiohttp", "aioice", "aiortc", "socketio", "rich", "av"}


def test_the_kinds_load_their_libraries_only_when_they_run() -> None:
    loaded = _loaded_after("import probe.kinds")
    heavy = {"aiohttp", "aioice", "aiortc", "socketio", "jwt", "av", "cryptography"}
    assert not loaded & (heavy | {"asyncpg", "redis"})
