"""Shorthands of the fly checks' tests: a table, a look, what was judged."""

from typing import Any

from alerts.evaluation.verdict import evaluate
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Verdict
from probe.core.runner import run_check
from probe.core.thresholds import thresholds_of
from probe.kinds.fly import KIND, FlyTable

ORG = "the-org"
PREFIX = f"/prometheus/{ORG}"
TOKEN = "FlyV1 fm2_secret-of-the-test"


def fly(app: str, part: str, **table: Any) -> Check:
    """A check of one part, which is known to nobody unless told where."""
    nowhere = "http://127.0.0.1:1"
    keys = {
        "name": f"fly-{part}",
        "token": TOKEN,
        "org": ORG,
        "app": app,
        "part": part,
        "prometheus_url": nowhere,
        "machines_url": nowhere,
        "deadline": 20.0,
    }
    return Check(KIND, FlyTable.model_validate({**keys, **table}))


async def look(check: Check, context: Context | None = None) -> Result:
    return await run_check(check, context or Context())


def judged(check: Check, result: Result) -> list[Evaluation]:
    return [
        each
        for threshold in thresholds_of(check)
        for each in evaluate(check.name, threshold, result.samples)
    ]


def verdict(check: Check, result: Result, signal: str) -> Verdict:
    """The verdict on the one value of a signal."""
    (found,) = [each for each in judged(check, result) if each.threshold.signal.name == signal]
    return found.verdict
