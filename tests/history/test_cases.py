"""Of how many cases a ratio is stays with it: in the file, over a restart, for older versions."""

from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from alerts.evaluation.check_state import CheckStates
from probe.core.context import Context
from probe.core.model import Limits, Sample, Signal, Threshold, Unit, Verdict
from probe.daemon.quota_counter import QuotaCounter
from probe.daemon.restore import StateRestorer
from probe.history.model import result_row
from tests.fake_kind import result_of, toy, toy_kind
from tests.history.history_builders import database, everything, keep, opened
from tests.history.period_builders import NOON, entry

ERRORS = Signal("probe_toy_error_ratio", Unit.RATIO, "Requests that fail.", ("source",))
LABELS = (("source", "app"),)
LIMITS = Threshold(ERRORS, Limits(warning=0.01), window=600.0, minimum_samples=20)


async def test_they_are_kept_and_no_value_of_a_signal(tmp_path: Path) -> None:
    row = entry(
        samples=(("probe_success", (), 1.0), (ERRORS.name, LABELS, 0.25)),
        cases=((ERRORS.name, LABELS, 1200.0),),
    )
    async with opened(tmp_path) as history:
        await keep(history, [row, entry(NOON + 1)])
        assert await everything(history) == [row, entry(NOON + 1)]
    # An older version reads them as values of a signal that it does not know.
    with closing(database(tmp_path)) as db:
        names = {name for (name,) in db.execute("SELECT signal FROM series")}
    assert names == {"probe_success", ERRORS.name, f"{ERRORS.name}#cases"}


def test_a_result_has_those_of_its_ratios_alone() -> None:
    samples = (Sample(ERRORS, 0.2, {"source": "app"}, 1200.0), Sample(ERRORS, 1.0, {"source": "x"}))
    row = result_row(replace(result_of("toy"), samples=samples), Verdict.OK, None)
    assert row.cases == ((ERRORS.name, LABELS, 1200.0),)
    assert len(row.samples) == 2


async def test_after_a_restart_a_ratio_is_of_as_many_cases_as_before(tmp_path: Path) -> None:
    """One of 40 is no proof of more than 1 %, 300 of 12,000 are; both are judged at once."""
    for number, verdict in ((40.0, Verdict.OK), (12_000.0, Verdict.WARNING)):
        check = toy(kind=toy_kind(signals=(ERRORS,), thresholds=(LIMITS,)))
        states, quota = CheckStates(), QuotaCounter(Context())
        async with opened(tmp_path / str(number)) as history:
            labels, found = LABELS, 0.025
            row = entry(
                samples=((ERRORS.name, labels, found),), cases=((ERRORS.name, labels, number),)
            )
            await keep(history, [row])
            restorer = StateRestorer(states, quota, lambda: 100.0, lambda: NOON + 30)
            await restorer.restore_state(history, [check])
        states.update(result_of("toy"), 100.0, NOON + 30)
        state = states.state("toy")
        assert state is not None
        (judged,) = [each for each in state.evaluations if each.threshold.signal == ERRORS]
        assert (judged.verdict, judged.samples) == (verdict, int(number))
