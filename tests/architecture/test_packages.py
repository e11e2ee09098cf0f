"""A name of a package means one thing, whatever was imported before."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    path for top in ("probe", "alerts", "dashboards") for path in (ROOT / top).rglob("__init__.py")
)


def defined_in(source: str) -> set[str]:
    """Functions and classes of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {each.name for each in ast.parse(source).body if isinstance(each, kinds)}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_no_function_of_a_package_has_the_name_of_a_module_in_it(package: Path) -> None:
    """``from package import name`` would give either, by what was imported first."""
    inside = package.parent.iterdir()
    modules = {each.stem for each in inside if each.suffix == ".py" or each.is_dir()}
    assert not defined_in(package.read_text(encoding="utf-8")) & modules
