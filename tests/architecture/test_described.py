"""docs/architecture.md names every folder of the program."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_folder_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layout = text.split("```")[1]
    named = {word.rstrip("/").rpartition("/")[2] for word in layout.split() if word.endswith("/")}
    folders = {
        path.parent.name
        for top in ("probe", "alerts")
        for path in (ROOT / top).glob("*/__init__.py")
    }
    assert folders - named == set()
