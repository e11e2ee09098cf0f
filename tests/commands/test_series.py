"""``probe list --series``: what the checks cost a Prometheus, before anything runs."""

import re
from pathlib import Path

import pytest

from tests.command import probe

PAGES = "".join(
    f'[[http]]\nname = "page-{number}"\nurl = "https://www.example.org/{number}"\n'
    for number in range(3)
)


@pytest.mark.parametrize("metrics", ["default", "full"])
async def test_series_are_counted_by_check_by_kind_and_in_total(
    tmp_path: Path, metrics: str
) -> None:
    (tmp_path / "probe.toml").write_text(PAGES + '[[domain]]\nname = "name"\ndomain = "a.org"\n')
    done = await probe("list", "--series", cwd=tmp_path, env={"PROBE_METRICS": metrics})
    assert done.code == 0, done.err
    rows = {
        name: (int(default), int(full))
        for name, default, full in re.findall(
            r"^(\S+) +(\d+) +\d+ +(\d+) +\d+$", done.out, re.MULTILINE
        )
    }
    assert rows["page-0"][0] <= 25
    assert rows["http"] == tuple(3 * each for each in rows["page-0"])
    assert rows["4"] == tuple(a + b for a, b in zip(rows["http"], rows["domain"], strict=True))
    assert rows["4"][1] > rows["4"][0]
    assert f"PROBE_METRICS={metrics} is in force" in done.out
    assert "Thresholds" not in done.out


async def test_a_wrong_configuration_is_reported_as_ever(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text("[[http]]\nname = 3\n")
    done = await probe("list", "--series", cwd=tmp_path)
    assert done.code == 64
    assert "probe.toml" in done.err
