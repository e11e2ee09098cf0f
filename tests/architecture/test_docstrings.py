"""Docstrings name what there is: an exception that was renamed is renamed in them too."""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_RAISES = re.compile(
    r"\b[Rr]aises ((?:``)?[A-Z]\w+(?:``)?(?:(?:, | or | and )(?:``)?[A-Z]\w+(?:``)?)*)"
)
_PAGE = re.compile(r"(?<![\w/.-])(?:docs/[\w-]+|[A-Z]+)\.md(?!\w)")
_NAME = re.compile(r"[A-Z]\w+")
_HAS_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in ("probe", "alerts", "dashboards"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_an_exception_that_a_docstring_names_exists() -> None:
    trees = list(_trees())
    known = {
        name
        for _, tree in trees
        for node in ast.walk(tree)
        for name in (
            getattr(node, "name", None),
            getattr(node, "id", None),
            getattr(node, "attr", None),
        )
        if isinstance(name, str)
    }
    known |= set(dir(builtins))
    unknown = [
        f"{path}: {name}"
        for path, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, _HAS_DOCSTRING)
        for listed in _RAISES.findall(ast.get_docstring(node) or "")
        for name in _NAME.findall(listed)
        if name not in known
    ]
    assert unknown == []


def test_a_page_that_the_code_refers_to_exists() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("probe", "alerts", "dashboards", "tests")
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in _PAGE.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).is_file()
    ]
    assert unknown == []
