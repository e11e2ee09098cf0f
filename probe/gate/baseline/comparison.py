"""Before and after: what differs by more than noise.

Values are compared by the Mann-Whitney U test with the correction for ties (Mann and Whitney 1947;
Lehmann, Nonparametrics, 1.4), shares of passing runs by Fisher's exact test. Of all comparisons
together one false mark is allowed in twenty (Holm 1979). What is statistically sure may still be
nothing: a difference is marked only if Cliff's delta says that it is not negligible (Romano 2006:
0.147). The size of the difference is that of the medians, in the unit of the signal.
"""

import math
import statistics
from collections.abc import Sequence

from msgspec.structs import replace

from probe.gate.baseline.series import by_key
from probe.report.gate.model import ComparisonRow, MeasuredSeries

LEVEL = 0.05
NEGLIGIBLE = 0.147
# With fewer values on a side the normal approximation isn't good, and nothing is marked.
MIN_VALUES = 8
# With more terms than this the exact test takes seconds, and the normal approximation is as good.
MAX_TERMS = 20_000


def compare(
    before: Sequence[MeasuredSeries], after: Sequence[MeasuredSeries]
) -> list[ComparisonRow]:
    """Every series of both sides; those that one side lacks are listed without a test."""
    old, new = by_key(before), by_key(after)
    rows = [_one(old.get(key), new.get(key), *key) for key in dict.fromkeys([*old, *new])]
    return _marked(rows)


def mann_whitney(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """The two-sided p value, and Cliff's delta: how much oftener a value after is above one before
    than below it, from -1 to 1."""
    m, n = len(before), len(after)
    ordered = sorted([(value, 0) for value in before] + [(value, 1) for value in after])
    ranks, ties, place = 0.0, 0.0, 0
    while place < len(ordered):
        end = place
        while end < len(ordered) and ordered[end][0] == ordered[place][0]:
            end += 1
        count = end - place
        middle = (place + 1 + end) / 2
        ranks += middle * sum(side for _, side in ordered[place:end])
        ties += count**3 - count
        place = end
    wins = ranks - n * (n + 1) / 2
    delta = 2 * wins / (m * n) - 1
    total = m + n
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0, delta
    distance = max(abs(wins - m * n / 2) - 0.5, 0.0)  # continuity
    return math.erfc(distance / math.sqrt(variance) / math.sqrt(2)), delta


def fisher(bad_before: int, before: int, bad_after: int, after: int) -> float:
    """The two-sided p value of Fisher's exact test on two shares."""
    bad, total = bad_before + bad_after, before + after
    lowest, highest = max(0, bad - after), min(bad, before)
    if highest - lowest > MAX_TERMS:
        return _two_shares(bad_before, before, bad_after, after)

    def chance(count: int) -> float:
        return _log_choose(before, count) + _log_choose(after, bad - count)

    log_tables = _log_choose(total, bad)
    observed = chance(bad_before)
    found = [chance(count) for count in range(lowest, highest + 1)]
    return min(
        1.0, math.fsum(math.exp(each - log_tables) for each in found if each <= observed + 1e-9)
    )


def _two_shares(bad_before: int, before: int, bad_after: int, after: int) -> float:
    """The two-sided p value of the z test on two shares, with the continuity correction of Yates
    (1934)."""
    share = (bad_before + bad_after) / (before + after)
    spread = math.sqrt(share * (1 - share) * (1 / before + 1 / after))
    distance = abs(bad_before / before - bad_after / after) - (1 / before + 1 / after) / 2
    return math.erfc(max(0.0, distance) / spread / math.sqrt(2)) if spread else 1.0


def _one(
    before: MeasuredSeries | None, after: MeasuredSeries | None, check: str, signal: str
) -> ComparisonRow:
    either = before or after
    assert either is not None
    row = ComparisonRow(check, signal, either.unit, _middle(before), _middle(after))
    if before is None or after is None:
        return row
    if before.unit is not after.unit:
        # Another program's series by the same name.
        return replace(row, unit=after.unit, before=None)
    if not signal:
        p = fisher(before.bad, before.cases, after.bad, after.cases)
        return replace(row, p_value=p, effect=1.0, test="Fisher")
    if min(len(before.values), len(after.values)) < MIN_VALUES:
        return row
    p, delta = mann_whitney(before.values, after.values)
    return replace(row, p_value=p, effect=delta, test="Mann-Whitney")


def _middle(series: MeasuredSeries | None) -> float | None:
    """The median, or the share of passing runs."""
    if series is None or not series.cases:
        return None
    if not series.signal:
        return 1 - series.bad / series.cases
    return statistics.median(series.values) if series.values else None


def _marked(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """Holm's step-down procedure over all rows that were tested."""
    tested = sorted(
        (place for place, row in enumerate(rows) if row.p_value is not None),
        key=lambda place: rows[place].p_value or 0.0,
    )
    found, adjusted = list(rows), 0.0
    for rank, place in enumerate(tested):
        row = rows[place]
        adjusted = min(1.0, max(adjusted, (row.p_value or 0.0) * (len(tested) - rank)))
        matters = abs(row.effect or 0.0) >= NEGLIGIBLE and row.before != row.after
        found[place] = replace(row, adjusted=adjusted, differs=adjusted < LEVEL and matters)
    return found


def _log_choose(total: int, count: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
