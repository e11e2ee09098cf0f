"""Before and after: a difference is found, noise is not, and the tests are the published ones."""

import json
import random
from pathlib import Path

import pytest

from probe.core.model import Status, Unit, Verdict
from probe.gate.baseline.baseline_file import InvalidBaseline, read_baseline
from probe.gate.baseline.comparison import compare, fisher, mann_whitney
from probe.history.model import ResultRow
from probe.history.store import HistoryStore
from probe.history.write_queue import ChangeQueue, WriteQueue
from probe.report.gate.model import MeasuredSeries
from tests import command
from tests.gate.release import START, _Sink

SIGNAL = "probe_http_response_seconds"


def series(values: list[float], check: str = "health", signal: str = SIGNAL) -> MeasuredSeries:
    return MeasuredSeries(check, signal, Unit.SECONDS, len(values), 0, tuple(values))


def test_mann_whitney_by_hand() -> None:
    """24 of 30 pairs rise: z = (24 - 15 - 0.5) / sqrt(30 * 12 / 12)."""
    p, delta = mann_whitney([1.1, 2.2, 3.3, 4.4, 5.5], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert p == pytest.approx(0.1207, abs=1e-4)
    assert delta == pytest.approx(0.6)
    assert mann_whitney([1.0] * 9, [1.0] * 9) == (1.0, 0.0)


def test_mann_whitney_with_ties_agrees_with_all_that_chance_could_have_given() -> None:
    before, after = [1.0, 2, 2, 3, 3, 3, 4, 5, 5, 5], [2.0, 3, 3, 4, 4, 5, 5, 6, 6, 7]
    p, delta = mann_whitney(before, after)
    chance, whole, rarer = random.Random(2), [*before, *after], 0
    for _ in range(4000):
        chance.shuffle(whole)
        rarer += abs(mann_whitney(whole[:10], whole[10:])[1]) >= abs(delta) - 1e-12
    assert p == pytest.approx(rarer / 4000, abs=0.03)


def test_fishers_exact_test_of_the_lady_tasting_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(0.4857, abs=1e-4)
    assert fisher(0, 100, 10, 100) == pytest.approx(0.00153, abs=1e-4)
    assert fisher(0, 100, 0, 100) == 1.0


def test_noise_is_marked_in_no_more_than_one_of_twenty_reports() -> None:
    chance, marked = random.Random(5), 0
    for _ in range(60):
        before = [series([chance.gauss(1, 0.2) for _ in range(60)], f"c{n}") for n in range(10)]
        after = [series([chance.gauss(1, 0.2) for _ in range(60)], f"c{n}") for n in range(10)]
        marked += any(row.differs for row in compare(before, after))
    assert marked <= 6


def test_what_is_sure_and_negligible_is_not_marked() -> None:
    before = series([1 + 0.001 * (n % 100) for n in range(500)])
    after = series([1.004 + 0.001 * (n % 100) for n in range(500)])
    (row,) = compare([before], [after])
    assert row.effect is not None
    assert abs(row.effect) < 0.147
    assert not row.differs


def test_a_side_with_few_values_or_none_is_listed_without_a_mark() -> None:
    rows = compare([series([1.0] * 5), series([1.0] * 20, "gone")], [series([9.0] * 5)])
    assert [(row.check, row.differs, row.adjusted) for row in rows] == [
        ("health", False, None),
        ("gone", False, None),
    ]


def migration(folder: Path) -> None:
    """Five hours at 100 ms, then five at 160 ms with failures."""
    store = HistoryStore(folder, None, lambda: START + 36000, WriteQueue(20_000), ChangeQueue(10))
    store.open()
    sink, chance = _Sink(store), random.Random(1)
    for run in range(3600):
        late = run >= 1800
        bad = late and run % 20 == 0
        value = chance.gauss(0.16 if late else 0.1, 0.01)
        sink.add(
            ResultRow(
                "health",
                START + 10 * run,
                0.1,
                Status.FAILED if bad else Status.OK,
                Verdict.CRITICAL if bad else Verdict.OK,
                cause="deadline" if bad else "",
                samples=() if bad else ((SIGNAL, (), value),),
            )
        )
    store.close()


async def test_a_migration_side_by_side_by_window_and_by_file(tmp_path: Path) -> None:
    migration(tmp_path)
    env = {"BACKEND_URL": "http://127.0.0.1:9", "PROBE_DATA": str(tmp_path)}
    before = ("--since", "2026-01-01T00:00Z", "--until", "2026-01-01T05:00Z")
    after = ("--since", "2026-01-01T05:00Z", "--until", "2026-01-01T10:00Z", "--format", "json")
    only = ("--only", "health", "report")
    first = await command.probe(*only, *before, "--report", "before.json", cwd=tmp_path, env=env)
    assert first.code in (0, 3), first.err
    window = "2026-01-01T00:00Z/2026-01-01T05:00Z"
    by_window = await command.probe(
        *only, *after, "--baseline-window", window, "--report", "r.md", cwd=tmp_path, env=env
    )
    by_file = await command.probe(*only, *after, "--baseline", "before.json", cwd=tmp_path, env=env)
    rows = json.loads(by_window.out)["comparison"]
    assert rows == json.loads(by_file.out)["comparison"]
    found = {row["signal"]: row for row in rows}
    assert found[SIGNAL]["differs"]
    assert found[SIGNAL]["after"] - found[SIGNAL]["before"] == pytest.approx(0.06, abs=0.005)
    assert found[""]["differs"]
    assert found[""]["before"] == 1.0
    assert "**≠**" in (tmp_path / "r.md").read_text()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"series": [{"check": "a"}]}', '{"series": 3}', '{"schema": 1}']
)
def test_a_file_that_is_no_baseline_says_how_to_write_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "before.json"
    path.write_text(text)
    with pytest.raises(InvalidBaseline, match="probe report --since"):
        read_baseline(path)


RUNS = {"check": "health", "signal": "", "unit": "ratio", "cases": 10, "bad": 1, "values": []}
TIMES = {**RUNS, "signal": SIGNAL, "unit": "seconds", "values": [0.1] * 10}


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([], "has no series"),
        ([{**RUNS, "cases": 10**400}], "series.0.cases"),
        ([{**RUNS, "cases": -1}], "series.0.cases"),
        ([{**RUNS, "cases": 1e400}], "series.0.cases"),
        ([{**RUNS, "cases": True}], "series.0.cases"),
        ([{**RUNS, "bad": 11}], "11 of 10 cases can't be bad"),
        ([{**TIMES, "values": [float("nan")] * 10}], "series.0.values.0"),
        ([{**TIMES, "values": [10**400]}], "series.0.values.0"),
        ([{**TIMES, "values": [0.1] * 11}], "11 values can't be of 10 cases"),
        ([{**TIMES, "unit": "furlongs"}], "series.0.unit"),
        ([{**TIMES, "check": "\x1b[2J"}], "series.0.check"),
        ([{**TIMES, "check": "a" * 301}], "series.0.check"),
        ([RUNS, RUNS], "health has its runs 2 times"),
    ],
)
def test_a_forged_baseline_names_the_place(
    tmp_path: Path, series: list[dict[str, object]], said: str
) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"schema": 1, "series": series}))
    with pytest.raises(InvalidBaseline, match="probe report --since") as caught:
        read_baseline(path)
    assert said in str(caught.value)


def test_a_baseline_that_never_ends_is_read_no_further(tmp_path: Path) -> None:
    with pytest.raises(InvalidBaseline, match="larger than 64 MB"):
        read_baseline(Path("/dev/zero"))
    with pytest.raises(InvalidBaseline, match="can't be read: Is a directory"):
        read_baseline(tmp_path)


def test_a_baseline_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"series": [RUNS, TIMES]}), encoding="utf-8-sig")
    assert [each.signal for each in read_baseline(path)] == ["", SIGNAL]


def test_very_many_runs_are_compared_at_once_and_as_fisher_would() -> None:
    assert fisher(500_000_000, 10**9, 500_040_000, 10**9) == pytest.approx(0.0736, abs=1e-4)
    assert fisher(500_000_000, 10**9, 500_100_000, 10**9) < 1e-4
    assert fisher(10**9, 10**9, 10**9, 10**9) == 1.0


def test_a_series_in_another_unit_is_not_compared() -> None:
    other = MeasuredSeries("health", SIGNAL, Unit.BYTES, 20, 0, (1000.0,) * 20)
    (row,) = compare([other], [series([0.1] * 20)])
    assert (row.before, row.differs, row.unit) == (None, False, Unit.SECONDS)
