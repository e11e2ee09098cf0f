"""What scripts see stays: a name that is gone or means something else breaks them.

New names are welcome next to the old ones: ``python -m tests.contract`` adds them to the
snapshot.
"""

import json
from pathlib import Path

import pytest

from tests.contract import SNAPSHOT
from tests.contract.live import live
from tests.contract.surface import Facts, database_files, is_accepted, static, toml_keys

KEPT: Facts = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
STATIC = static()


def lost(section: str, found: list[str]) -> list[str]:
    """What the snapshot has and today's code hasn't, with what it may have become."""
    gone = sorted(set(KEPT[section]) - set(found))
    new = sorted(set(found) - set(KEPT[section]))
    return [f"{line} is gone (new there: {new})" if new else f"{line} is gone" for line in gone]


@pytest.mark.parametrize("section", sorted(STATIC))
def test_what_is_declared_stays(section: str) -> None:
    assert lost(section, STATIC[section]) == []


def test_every_key_of_probe_toml_is_still_accepted() -> None:
    assert [key for key in KEPT["probe.toml"] if not is_accepted(key)] == []
    assert not is_accepted("http.no_such_key")
    assert set(toml_keys()) - set(KEPT["probe.toml"]) <= set(toml_keys())


async def test_the_database_keeps_its_files_tables_and_columns(tmp_path: Path) -> None:
    assert lost("database", await database_files(tmp_path)) == []


async def test_what_a_run_and_a_daemon_show_stays(tmp_path: Path) -> None:
    shown = await live(tmp_path)
    assert [line for section in shown for line in lost(section, shown[section])] == []


def test_no_section_of_the_snapshot_is_forgotten() -> None:
    checked = {*STATIC, "probe.toml", "database"}
    live_sections = {"json --once", "json status", "metrics", "pages", "log"}
    assert set(KEPT) == checked | live_sections
