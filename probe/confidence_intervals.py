"""Two-sided confidence intervals of shares; pure functions."""

import math
from functools import lru_cache
from statistics import NormalDist


def wilson_interval(bad: float, total: float, confidence: float) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927); 0 to 1 without any case."""
    if total <= 0:
        return 0.0, 1.0
    z = normal_quantile(confidence)
    share = bad / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    half = z / (1 + z * z / total) * spread
    low = 0.0 if bad == 0 else max(0.0, middle - half)
    return low, 1.0 if bad == total else min(1.0, middle + half)


def quantile_shares(quantile: float, total: int, confidence: float) -> tuple[float, float]:
    """Between which quantiles of ``total`` values the true quantile lies (David and Nagaraja, Order
    Statistics, 7.1), by the normal approximation of the binomial; 0 and 1 at most."""
    if total <= 0:
        return 0.0, 1.0
    spread = normal_quantile(confidence) * math.sqrt(quantile * (1 - quantile) / total)
    return max(0.0, quantile - spread), min(1.0, quantile + spread)


@lru_cache
def normal_quantile(confidence: float) -> float:
    """How many standard deviations on both sides have so much of a normal distribution."""
    return NormalDist().inv_cdf((1 + confidence) / 2)
