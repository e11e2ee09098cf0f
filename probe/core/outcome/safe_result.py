"""Redacts, cleans and bounds all texts of a result before anything else sees it.

Kinds and libraries put what a target said into messages, hints, facts and labels; this is the one
place where all of it is made safe.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec.structs import replace

from probe.core.model import Failure, Result, Sample
from probe.untrusted.text import MAX_LABEL, MAX_TEXT, Redact, one_line, redacting, untrusted

MAX_FACTS = 32
MAX_FACT_NAME = 64
# Of one signal; the machines of an application are at most 50.
MAX_LABEL_SETS = 64


def safe_result(result: Result, redact: Redact) -> Result:
    """The same result, with every text redacted, on one line and bounded."""
    with redacting(redact):
        return Result(
            result.check,
            result.status,
            result.started_at,
            result.duration,
            phases=result.phases,
            samples=_samples(result.samples),
            failure=_failure(result.failure),
            facts=_facts(redact, tuple(result.facts.items())[:MAX_FACTS]),
        )


def _failure(failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    return Failure(
        failure.phase,
        failure.cause,
        untrusted(failure.message, MAX_TEXT),
        untrusted(failure.hint, MAX_TEXT),
    )


@lru_cache(maxsize=1024)
def _facts(_: Redact, facts: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """A target shows mostly the same in every run: results share what was made safe, once."""
    return {untrusted(name, MAX_FACT_NAME): untrusted(fact, MAX_TEXT) for name, fact in facts}


def _samples(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Labels that are the same once they are cut are one series: the first one is kept.

    Only names of things that come and go are redacted: other labels are our own words, and a
    password that is one of them must not rename a series.
    """
    kept: list[Sample] = []
    seen: dict[str, set[tuple[str, ...]]] = {}
    for sample in samples:
        if not sample.labels:
            kept.append(sample)
            continue
        safe = untrusted if sample.signal.ephemeral else one_line
        labels = {name: safe(value, MAX_LABEL) for name, value in sample.labels.items()}
        key, known = tuple(labels.values()), seen.setdefault(sample.signal.name, set())
        if key in known or len(known) >= MAX_LABEL_SETS:
            continue
        known.add(key)
        kept.append(sample if labels == sample.labels else replace(sample, labels=labels))
    return tuple(kept)
