"""The house: imports run one way, heavy libraries load late, registrations are complete."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from probe.core.thresholds import all_signals
from probe.kinds import KINDS

ROOT = Path(__file__).parent.parent
PACKAGES = ("probe", "alerts", "dashboards")

# What a place may import of ours, from the ground up: a name stands for itself and all that is
# below it, and a place may always import itself.
INSTRUMENTS = {
    "probe.call",
    "probe.ice",
    "probe.net",
    "probe.paircam",
    "probe.peer",
    "probe.stores",
    "probe.stun",
    "probe.telemetry",
    "probe.turn",
    "probe.turn_targets",
}
# Below everything: bounds and cleans what comes from outside, and knows nothing of checks.
GROUND = "probe.untrusted"
MAY_IMPORT: dict[str, set[str]] = {
    GROUND: set(),
    "probe.core": set(),
    "probe.net": {"probe.core"},
    "probe.paircam": {"probe.core", "probe.net"},
    "probe.stun": {"probe.core", "probe.net"},
    "probe.turn": {"probe.core", "probe.net", "probe.stun"},
    "probe.ice": {"probe.core", "probe.net", "probe.stun", "probe.turn"},
    "probe.call": {
        "probe.core",
        "probe.ice",
        "probe.net",
        "probe.paircam",
        "probe.stun",
        "probe.turn",
    },
    "probe.turn_report": {
        "probe.core",
        "probe.net",
        "probe.report.text.sanitize",
        "probe.stun",
        "probe.turn",
        "probe.turn_targets.forbidden_peers",
        "probe.untrusted",
    },
    "probe.turn_targets": {"probe.core", "probe.net", "probe.paircam", "probe.stun", "probe.turn"},
    "probe.peer": {
        "probe.call",
        "probe.core",
        "probe.ice",
        "probe.net",
        "probe.stun",
        "probe.turn",
        "probe.turn_targets",
    },
    "probe.stores": {"probe.core", "probe.net"},
    "probe.telemetry": {"probe.core", "probe.net", "probe.paircam"},
    "probe.budget": {"probe.core"},
    "probe.kinds": {*INSTRUMENTS, "probe.budget", "probe.core"},
    "probe.storage": set(),
    "probe.history": {"probe.core", "probe.storage"},
    "probe.report": {
        "probe.core",
        "probe.history.incidents.model",
        "probe.history.model",
        "probe.history.uptime.model",
    },
    "probe.diagnostics": {"probe.core", "probe.net", "probe.report.text.sanitize"},
    "probe.metrics": {"alerts.cluster", "alerts.model", "probe.core", "probe.history"},
    "probe.web": {
        "probe.core.model",
        "probe.core.resources",
        "probe.history.incidents.model",
        "probe.history.model",
        "probe.history.uptime.model",
        "probe.report",
    },
    "probe.otel": {"probe.core", "probe.net.urls"},
    "probe.exporter": {
        *INSTRUMENTS,
        "probe.core",
        "probe.kinds",
        "probe.metrics.families",
        "probe.metrics.text_format",
        "probe.web.access",
        "probe.web.rendered",
        "probe.web.token_bucket",
    },
    "probe.lab": set(),
    # Words for people, and what any client of the web needs: no engine of the probe's.
    "alerts": {
        "probe.core",
        "probe.diagnostics.redact",
        "probe.history.incidents.model",
        "probe.history.model",
        "probe.net",
        "probe.report",
        "probe.storage",
    },
    # What a rule or a panel asks for is what the exporter writes.
    "dashboards": {"alerts.prometheus", "probe.core", "probe.kinds", "probe.metrics"},
    "probe.config": {
        "alerts",
        "probe.core",
        "probe.diagnostics",
        "probe.exporter.settings",
        "probe.otel.settings",
        "probe.net.proxies",
        "probe.net.peer_address",
        "probe.net.urls",
    },
    # A window of results and objectives in, go or roll back out.
    "probe.gate": {
        "alerts.evaluation",
        "probe.budget",
        "probe.config.gate_table",
        "probe.core",
        "probe.daemon.schedule",
        "probe.history",
        "probe.report",
        "probe.storage",
    },
    "probe.load": {
        *INSTRUMENTS,
        "probe.budget",
        "probe.config.check_plan",
        "probe.core",
        "probe.kinds",
        "probe.report",
    },
    "probe.once": {"alerts", "probe.config", "probe.core", "probe.report"},
    "probe.daemon": {
        *INSTRUMENTS,
        "alerts",
        "probe.budget",
        "probe.config",
        "probe.core",
        "probe.diagnostics",
        "probe.exporter",
        "probe.otel",
        "probe.history",
        "probe.kinds.budget",
        "probe.metrics",
        "probe.once",
        "probe.report",
        "probe.storage",
        "probe.web",
    },
    # Documents follow from everything that there is.
    "probe.reference": {"alerts", "probe"},
    "probe.exit_codes": set(),
    "probe.commands": {"alerts", "probe"},
    "probe.cli": {"probe.commands", "probe.exit_codes"},
    "probe.__main__": {"probe.cli"},
}


@cache
def _modules() -> list[tuple[str, Path]]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(part for part in parts if part != "__init__"), path))
    return found


@cache
def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    modules = {name for name, _ in _modules()}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
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
    place = max(places, key=len)
    allowed = {place, GROUND, *MAY_IMPORT[place]}
    for found in _imports(path):
        if found.split(".")[0] in (*PACKAGES, "tests"):
            assert any(_is_below(found, place) for place in allowed), f"{name} imports {found}"


def _kind_files() -> dict[str, list[tuple[str, Path]]]:
    """The files of each kind: ``name.py``, or all of the package ``name``."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for name, path in _ours():
        if name.startswith("probe.kinds."):
            found.setdefault(name.split(".")[2], []).append((name, path))
    return found


def test_no_kind_imports_another() -> None:
    for kind, files in _kind_files().items():
        for name, path in files:
            others = {found for found in _imports(path) if _is_below(found, "probe.kinds")}
            assert all(_is_below(found, f"probe.kinds.{kind}") for found in others), name


def test_every_kind_is_registered() -> None:
    assert {kind.name for kind in KINDS} == set(_kind_files())


def test_no_file_is_imported_in_a_circle() -> None:
    names = {name for name, _ in _modules()}
    graph = {
        name: {f for f in _imports(path) if f in names and f != name} for name, path in _modules()
    }
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the circle


def test_no_folder_has_more_than_fifteen_files() -> None:
    counts = Counter(str(path.parent.relative_to(ROOT)) for _, path in _modules())
    assert {folder: count for folder, count in counts.items() if count > 15} == {}


def test_no_file_is_longer_than_300_lines_and_no_function_than_40() -> None:
    long = []
    for name, path in _modules():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 300:
            long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > 40:
                    long.append(f"{name}.{node.name}: {size} lines")
    assert long == []


def test_no_two_classes_share_a_name() -> None:
    found: dict[str, list[str]] = {}
    for name, path in _modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(name)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


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
