"""Confidence intervals of the gate; pure functions.

All are two-sided at ``confidence``. A share is judged over the window that was measured: whether
more of it than allowed was bad, not what next week brings.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

from probe.confidence_intervals import normal_quantile, wilson_interval

# Batches of the batch-means interval (Law, Simulation Modeling and Analysis, 9.5.3: 10 to 30).
BATCHES = 20
# The prior of the confidence sequence: Jeffreys', which fits rare and frequent cases.
_PRIOR = 0.5
_STEPS = 60


def anytime_interval(bad: float, total: float, confidence: float) -> tuple[float, float]:
    """A confidence sequence of a share: it holds at every moment at once, however often one looks.

    Robbins' mixture martingale with a beta prior (Robbins 1970; Howard et al., Annals of Statistics
    49, 2021): the shares for which the mixture's likelihood ratio stays below 1/(1 - confidence).
    By Ville's inequality the true share is ever outside with a probability of 1 - confidence at
    most.
    """
    if total <= 0:
        return 0.0, 1.0
    limit, evidence = -math.log(1 - confidence), _mixture(bad, total)

    def excludes(share: float) -> bool:
        good = total - bad
        null = (bad * math.log(share) if bad else 0.0) + (good * math.log1p(-share) if good else 0)
        return evidence - null >= limit

    share = min(max(bad / total, 1e-12), 1 - 1e-12)
    low = _edge(excludes, 1e-12, share) if bad else 0.0
    return low, _edge(excludes, 1 - 1e-12, share) if bad < total else 1.0


def quantile_interval(
    ordered: Sequence[float], quantile: float, confidence: float
) -> tuple[float, float]:
    """The interval of a quantile between two order statistics (David and Nagaraja, 7.1), by the
    normal approximation of the binomial; ``ordered`` is sorted and not empty."""
    total, z = len(ordered), normal_quantile(confidence)
    spread = z * math.sqrt(total * quantile * (1 - quantile))
    low = math.floor(total * quantile - spread)
    high = math.ceil(total * quantile + spread)
    return ordered[min(max(low, 0), total - 1)], ordered[min(max(high, 0), total - 1)]


def nearest_rank(ordered: Sequence[float], quantile: float) -> float:
    """The nearest-rank quantile: a value that was measured."""
    return ordered[max(0, math.ceil(quantile * len(ordered)) - 1)]


def mean_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """The interval of the mean of consecutive values, which may depend on each other: Student's t
    over batch means. Without enough values for batches it is as wide as can be."""
    if len(values) < 2 * BATCHES:
        return -math.inf, math.inf
    size = len(values) / BATCHES
    means = [
        _mean(values[round(place * size) : round((place + 1) * size)]) for place in range(BATCHES)
    ]
    middle = _mean(means)
    variance = sum((each - middle) ** 2 for each in means) / (BATCHES - 1)
    half = student(confidence, BATCHES - 1) * math.sqrt(variance / BATCHES)
    return _mean(values) - half, _mean(values) + half


def pooled_interval(
    shares: Sequence[float], cases: Sequence[float], confidence: float
) -> tuple[float, float]:
    """The interval of the share of all cases, of consecutive shares of so many cases each, which
    may depend on each other: Student's t over batches with the ratio estimator (Cochran, Sampling
    Techniques, 6.4), and never narrower than Wilson's of independent cases, which also holds where
    all batches are alike. Without enough shares for batches it is as wide as can be."""
    if len(shares) < 2 * BATCHES or math.fsum(cases) <= 0:
        return 0.0, 1.0
    size = len(shares) / BATCHES
    bad = [share * number for share, number in zip(shares, cases, strict=True)]
    edges = [round(place * size) for place in range(BATCHES + 1)]
    batches = [
        (math.fsum(bad[start:end]), math.fsum(cases[start:end])) for start, end in pairwise(edges)
    ]
    total = math.fsum(cases)
    share = math.fsum(bad) / total
    off = math.fsum((found - share * number) ** 2 for found, number in batches)
    half = student(confidence, BATCHES - 1) * math.sqrt(off * BATCHES / (BATCHES - 1)) / total
    low, high = wilson_interval(math.fsum(bad), total, confidence)
    return max(0.0, min(low, share - half)), min(1.0, max(high, share + half))


@lru_cache
def student(confidence: float, freedom: int) -> float:
    """Student's t quantile for a two-sided interval (Cornish-Fisher expansion, Abramowitz and
    Stegun 26.7.5; within 0.1 % from 10 degrees of freedom on)."""
    z = normal_quantile(confidence)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _mixture(bad: float, total: float) -> float:
    """The logarithm of the likelihood under the prior."""
    return _log_beta(_PRIOR + bad, _PRIOR + total - bad) - _log_beta(_PRIOR, _PRIOR)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _edge(excludes: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where exclusion begins between two shares, by bisection."""
    if not excludes(outside):
        return outside
    for _ in range(_STEPS):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if excludes(middle) else (outside, middle)
    return outside
