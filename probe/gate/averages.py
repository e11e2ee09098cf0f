"""The average of a ratio that the target reports, over a window."""

import math
import operator

from probe.core.model import Unit
from probe.gate.confidence_intervals import mean_interval, pooled_interval
from probe.gate.tally import Tally


def average(tally: Tally, confidence: float) -> tuple[float, float, float, str]:
    """The share with its interval, and what it is of: of all cases where the target said of how
    many each value is, else the mean of the values. An hour with one request counts as one."""
    total = math.fsum(tally.weights)
    if tally.objective.unit is Unit.RATIO and total > 0:  # NaN where one is not known
        bad = math.fsum(map(operator.mul, tally.values, tally.weights))
        low, high = pooled_interval(tally.values, tally.weights, confidence)
        return bad / total, low, high, f"of {total:,.0f} cases"
    low, high = mean_interval(tally.values, confidence)
    return math.fsum(tally.values) / len(tally.values), low, high, "on average"
