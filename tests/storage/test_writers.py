"""Nothing writes a file but by the two functions that replace it as a whole."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each with its reason.
OTHERS = {
    "probe/storage/atomic.py": "the one that replaces",
    "probe/storage/output_file.py": "the one for what people name",
    "probe/storage/journal.py": "appends, and marks what is whole",
    "probe/storage/sqlite.py": "makes the file that SQLite writes",
    "probe/kinds/security/ages.py": "replaces, next to it; kinds have no storage",
    "probe/generate.py": "of a work tree under version control",
    "dashboards/build.py": "of a work tree under version control",
    "probe/lab/certificates.py": "a temporary file, for the ssl module",
    "probe/exporter/modules/tls.py": "a temporary file, for the ssl module",
    "probe/web/web_config/tls.py": "a temporary file, for the ssl module",
    "probe/lab_process.py": "a pipe",
    "probe/standard_streams.py": "/dev/null",
}
_WRITES = {"O_WRONLY", "O_RDWR", "O_APPEND", "O_CREAT", "O_TRUNC"}


def writes(tree: ast.AST) -> Iterator[int]:
    """Lines that write a file, or open one for writing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in (*_WRITES, "write_text", "write_bytes"):
            yield node.lineno
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "NamedTemporaryFile":
            yield node.lineno
        if name in ("open", "fdopen") or (
            isinstance(node.func, ast.Name) and node.func.id == "open"
        ):
            given = [*node.args, *(each.value for each in node.keywords if each.arg == "mode")]
            modes = [each.value for each in given if isinstance(each, ast.Constant)]
            if any(isinstance(mode, str) and set(mode) <= set("wax+bt") for mode in modes):
                yield node.lineno


def test_every_writer_is_known() -> None:
    found = {}
    for package in ("probe", "alerts", "dashboards"):
        for path in sorted((ROOT / package).rglob("*.py")):
            lines = list(writes(ast.parse(path.read_text(encoding="utf-8"))))
            if lines:
                found[str(path.relative_to(ROOT))] = lines
    assert {name: lines for name, lines in found.items() if name not in OTHERS} == {}
    assert set(OTHERS) <= set(found)
