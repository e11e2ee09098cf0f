"""The house: imports run one way, heavy libraries load late, registrations are complete."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

from probe.core.thresholds import all_signals
from probe.kinds import KINDS
from tests.architecture.layers import GROUND, MAY_IMPORT

ROOT = Path(__file__).parent.parent
PACKAGES = ("probe", "alerts", "dashboards")


@cache
def _modules() -> list[tuple[str, Path]]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(part for part in parts if part != "__init__"), path))
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name, _ in _modules())


@cache
def _imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    modules = _names()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name in modules} or {str(node.module)}
    return frozenset(found)


def _is_below(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


def _ours() -> list[tuple[str, Path]]:
    return [(name, path) for name, path in _modules() if name not in PACKAGES]


def test_imports_run_one_way() -> None:
    wrong = []
    for name, path in _ours():
        places = [place for place in MAY_IMPORT if _is_below(name, place)]
        assert places, f"{name} has no place in the house yet"
        place = max(places, key=len)
        allowed = {place, GROUND, *MAY_IMPORT[place]}
        for found in _imports(path):
            ours = found.split(".")[0] in (*PACKAGES, "tests")
            if ours and not any(_is_below(found, place) for place in allowed):
                wrong.append(f"{name} imports {found}")
    assert wrong == []


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
    graph = {name: (_imports(path) & _names()) - {name} for name, path in _modules()}
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the circle


def test_no_folder_is_imported_in_a_circle() -> None:
    folders = {name for name, path in _ours() if path.stem == "__init__" and name.count(".") == 1}

    def folder(name: str) -> str:
        return ".".join(name.split(".")[:2])

    graph: dict[str, set[str]] = {each: set() for each in folders}
    for name, path in _ours():
        if folder(name) in folders:
            graph[folder(name)] |= {folder(f) for f in _imports(path)} & folders - {folder(name)}
    graphlib.TopologicalSorter(graph).prepare()


def _tests() -> list[Path]:
    found = (ROOT / "tests").rglob("*")
    return [
        path for path in found if path.suffix in (".py", ".js") and "node_modules" not in path.parts
    ]


def test_no_folder_has_more_than_fifteen_files() -> None:
    paths = [path for _, path in _modules()] + _tests()
    counts = Counter(str(path.parent.relative_to(ROOT)) for path in paths)
    assert {folder: count for folder, count in counts.items() if count > 15} == {}


def test_no_file_is_longer_than_300_lines() -> None:
    paths = [path for _, path in _modules()] + _tests()
    counts = {path: path.read_text(encoding="utf-8").count("\n") for path in paths}
    assert {str(path): count for path, count in counts.items() if count > 300} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = []
    for name, path in _modules():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > 40:
                    long.append(f"{name}.{node.name}: {size} lines")
    assert long == []


def test_no_two_classes_share_a_name() -> None:
    found: dict[str, list[str]] = {}
    for name, path in _modules():
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(name)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def test_a_frozen_dataclass_keeps_a_field_out_of_its_repr() -> None:
    """All other values are Structs: a frozen dataclass costs a hundredfold at import."""
    found = [
        f"{name}.{node.name}"
        for name, path in _modules()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
        if any("frozen=True" in ast.unparse(each) for each in node.decorator_list)
        and "repr=False" not in ast.unparse(node)
    ]
    assert found == []


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
    assert not loaded & {"asyncio", "ssl", "subprocess", "logging", "traceback", "json"}


def test_the_kinds_load_their_libraries_only_when_they_run() -> None:
    loaded = _loaded_after("import probe.kinds")
    heavy = {"aiohttp", "aioice", "aiortc", "socketio", "jwt", "av", "cryptography"}
    assert not loaded & (heavy | {"asyncpg", "redis"})
