"""The house: imports run one way, heavy libraries load late, registrations are complete."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from probe.core.thresholds import all_signals
from probe.kinds import KINDS

ROOT = Path(__file__).parent.parent
PACKAGES = ("probe", "alerts", "dashboards")

# What a place may import of ours, from the ground up. A name stands for itself and all
# that is below it.
WORDS = {
    "probe.core.causes",
    "probe.core.context",
    "probe.core.model",
    "probe.history.model",
    "probe.core.recorder",
    "probe.core.signals",
}
FRAME = WORDS | {"probe.core.environment", "probe.core.kind"}
INSTRUMENTS = FRAME | {"probe.net", "probe.rtc", "probe.paircam", "probe.stores"}
WHOLE_HOUSE = (
    *INSTRUMENTS,
    "alerts",
    "probe.once",
    "probe.budget.plans",
    "probe.core.thresholds",
    "probe.commands",
    "probe.config.check_plan",
    "probe.daemon",
    "probe.diagnostics.sentry",
    "probe.exit_codes",
    "probe.metrics.exporter",
    "probe.metrics.families",
    "probe.kinds",
    "probe.lab",
    "probe.diagnostics.logging_setup",
    "probe.diagnostics.redact",
    "probe.report",
    "probe.core.runner",
    "probe.config.settings",
)
MAY_IMPORT: dict[str, set[str]] = {
    "probe.core.causes": set(),
    "probe.core.model": {"probe.core.causes"},
    "probe.core.signals": {"probe.core.model"},
    "probe.core.recorder": {"probe.core.model"},
    "probe.core.context": set(),
    "probe.history.model": {"probe.core.model"},
    "probe.core.environment": set(),
    "probe.core.kind": WORDS | {"probe.core.environment"},
    "probe.net": WORDS | {"probe.net"},
    "probe.paircam": FRAME | {"probe.net", "probe.paircam"},
    "probe.rtc": INSTRUMENTS,
    # Two sources tell of the same shares.
    "probe.kinds.peer.signals": INSTRUMENTS | {"probe.telemetry.shared_signals"},
    "probe.stores": WORDS | {"probe.net", "probe.stores"},
    "probe.telemetry": FRAME | {"probe.net", "probe.telemetry"},
    "probe.budget.plans": FRAME,
    "probe.budget.quota_usage": FRAME | {"probe.budget.plans"},
    "probe.kinds": {
        *INSTRUMENTS,
        "probe.budget.plans",
        "probe.kinds",
        "probe.budget.quota_usage",
        "probe.stores",
        "probe.telemetry",
    },
    "probe.core.thresholds": FRAME,
    "probe.core.runner": FRAME,
    "probe.daemon.schedule": set(),
    "probe.metrics.families": FRAME,
    "probe.metrics.exporter": FRAME | {"probe.metrics.families"},
    "probe.history": WORDS | {"probe.history"},
    "probe.diagnostics.redact": set(),
    "probe.diagnostics.logging_setup": {"probe.diagnostics.redact", "probe.report.text.sanitize"},
    "probe.diagnostics.sentry": {"probe.core.model", "probe.diagnostics.redact"},
    "probe.diagnostics.heartbeat": WORDS | {"probe.diagnostics.logging_setup", "probe.net"},
    "probe.web": {"probe.report", "probe.web"},
    "probe.config.check_plan": FRAME | {"probe.core.thresholds"},
    "probe.report": WORDS | {"probe.report"},
    "probe.lab": {"probe.lab"},
    # Words for people, and what any client of the web needs: no engine of the probe's.
    "alerts": FRAME
    | {"probe.core.thresholds", "probe.net", "probe.diagnostics.redact", "probe.report", "alerts"},
    # What a rule or a panel asks for is what the exporter writes.
    "dashboards": {
        *FRAME,
        "alerts.prometheus",
        "dashboards",
        "probe.metrics.exporter",
        "probe.metrics.families",
        "probe.kinds",
    },
    "probe.config.settings": {
        *FRAME,
        "alerts",
        "probe.config.check_plan",
        "probe.diagnostics.sentry",
        "probe.net.peer_address",
        "probe.net.urls",
    },
    "probe.once": {
        *FRAME,
        "alerts",
        "probe.config.check_plan",
        "probe.report",
        "probe.core.runner",
    },
    "probe.daemon": {
        *FRAME,
        "alerts",
        "probe.once",
        "probe.budget.plans",
        "probe.core.thresholds",
        "probe.config.check_plan",
        "probe.daemon",
        "probe.diagnostics.sentry",
        "probe.metrics.exporter",
        "probe.metrics.families",
        "probe.diagnostics.heartbeat",
        "probe.history",
        "probe.kinds.budget",
        "probe.budget.quota_usage",
        "probe.diagnostics.logging_setup",
        "probe.report",
        "probe.rtc",
        "probe.core.runner",
        "probe.daemon.schedule",
        "probe.config.settings",
        "probe.web",
    },
    "probe.exit_codes": set(),
    "probe.commands": set(WHOLE_HOUSE),
    "probe.cli": {"probe.commands", "probe.exit_codes"},
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
