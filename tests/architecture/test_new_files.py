"""A new kind and a new notifier are one file and one line each; all else follows by itself.

The kind and the notifier are the examples of CONTRIBUTING.md, built in a copy of the source.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("probe", "alerts", "dashboards", "docs")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ".env.example")
# What `make generate` writes.
GENERATED = re.compile(r"docs/\w+\.md|README\.md|\.env\.example|dashboards/[\w-]+\.(json|yml)")


def examples() -> tuple[str, str]:
    """The kind's file and the notifier's, as CONTRIBUTING.md shows them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    kind, _, notifier, _ = blocks
    return kind, notifier


class Copy:
    """The source with both examples added; commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "*.png")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in PAGES:
            shutil.copy(ROOT / name, folder / name)
        kind, notifier = examples()
        self._add("probe/kinds", "tcp", kind)
        self._add("alerts/notifiers", "ntfy", notifier)

    def _add(self, package: str, name: str, text: str) -> None:
        (self.folder / package / f"{name}.py").write_text(text)
        registry = self.folder / package / "__init__.py"
        names = registry.read_text()
        registry.write_text(names.replace("NAMES = (\n", f'NAMES = (\n    "{name}",\n'))

    def run(self, *arguments: str, **variables: str) -> str:
        """A module of the copy, with its output."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(self.folder), "PROBE_SECRETS_DIR": "none", **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def changed(self) -> set[str]:
        """The files that differ from the source, or are new."""
        found = set()
        for path in self.folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = str(path.relative_to(self.folder))
                old = ROOT / name
                if not old.exists() or old.read_bytes() != path.read_bytes():
                    found.add(name)
        return found

    def text(self, name: str) -> str:
        """A file of the copy."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The copy after `make generate`."""
    made = Copy(tmp_path_factory.mktemp("copy"))
    made.run("dashboards.build")
    made.run("probe.generate")
    return made


def test_one_file_and_one_line_each_are_all_that_is_written_by_hand(copy: Copy) -> None:
    by_hand = {name for name in copy.changed() if not GENERATED.fullmatch(name)}
    assert by_hand == {
        "probe/kinds/tcp.py",
        "probe/kinds/__init__.py",
        "alerts/notifiers/ntfy.py",
        "alerts/notifiers/__init__.py",
    }
    for registry in ("probe/kinds/__init__.py", "alerts/notifiers/__init__.py"):
        old = (ROOT / registry).read_text().splitlines()
        new = copy.text(registry).splitlines()
        (line,) = [line for line in new if line not in old]
        assert line.strip() in ('"tcp",', '"ntfy",')
        assert len(new) == len(old) + 1


def test_documents_and_the_example_of_the_environment_follow(copy: Copy) -> None:
    assert "| `tcp` | 60 s | whether a port accepts connections |" in copy.text("README.md")
    assert "| `ntfy` | titles to a topic | `NTFY_URL` |" in copy.text("README.md")
    reference = copy.text("docs/reference.md")
    assert "### [[tcp]]" in reference
    assert "| `TCP_TARGET` | text |" in reference
    assert "| `NTFY_URL` | URL |" in reference
    assert "`probe_tcp_connect_seconds`" in copy.text("docs/signals.md")
    assert "| `tcp` | 60 s | one TCP connection |" in copy.text("docs/quotas.md")
    assert re.search(r"^TCP_TARGET=$", copy.text(".env.example"), re.MULTILINE)
    assert re.search(r"^NTFY_URL=$", copy.text(".env.example"), re.MULTILINE)


def test_dashboards_and_rules_follow(copy: Copy) -> None:
    shown = json.loads(copy.text("dashboards/probe-infrastructure.json"))
    every = [panel for row in shown["panels"] for panel in (row, *row.get("panels", ()))]
    asked = [target["expr"] for panel in every for target in panel.get("targets", ())]
    assert any("probe_tcp_connect_seconds" in expr for expr in asked)
    rules = copy.text("dashboards/rules.yml")
    assert "alert: TcpDown" in rules
    assert "alert: TcpSlow" in rules


def test_it_is_run_judged_and_reported(copy: Copy) -> None:
    target = {"TCP_TARGET": "127.0.0.1:9", "NTFY_URL": "http://127.0.0.1:9/alerts"}
    document = json.loads(
        copy.run("probe", "--once", "--format", "json", "--fail-on", "never", **target)
    )
    (check,) = document["checks"]
    assert (check["name"], check["kind"], check["verdict"]) == ("tcp", "tcp", "warning")
    assert check["failure"]["cause"] == "connect_refused"
    assert "tcp" in copy.run("probe", "list", **target)
