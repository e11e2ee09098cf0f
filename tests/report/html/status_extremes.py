"""Overviews as large and as hostile as they can get."""

import random
from dataclasses import replace

from probe.core.causes import Cause
from probe.core.model import (
    Aggregation,
    Evaluation,
    Failure,
    Limits,
    Sample,
    Signal,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from probe.history.model import StatePeriod
from probe.report.status import Notice, Overview, StatusRow
from tests.report.html.status_days import ago, day, restless
from tests.report.status_samples import call, failed, health, overview, signaling, turn


def many(number: int = 20, seed: int = 7) -> Overview:
    """So many checks with the busiest days one can think of: every fifth has troubles."""
    chance = random.Random(seed)
    kinds = (health(), signaling(), turn("primary", "udp", "relay.example:3478"), call())
    found = []
    for at in range(number):
        row = kinds[at % len(kinds)]
        found.append(replace(row, name=f"{row.name}-{at}", day=restless(chance)))
    spoilt = [
        failed(row, Verdict.CRITICAL, "body", Cause.SERVICE_DOWN, "redis is down")
        if at % 5 == 0
        else row
        for at, row in enumerate(found)
    ]
    return overview(Verdict.CRITICAL, *spoilt)


def hostile(text: str) -> Overview:
    """Whatever a target or a configuration can put into an overview is this text."""
    signal = Signal("probe_open_seconds", Unit.SECONDS, text, ("path",), column=text or "open")
    threshold = Threshold(signal, Limits(0.1, 0.2, 0.3), Aggregation.P95)
    trouble = StatePeriod(text, ago(30), ago(20), Verdict.CRITICAL, text, text, text)
    row = StatusRow(
        text, text, text, {text: text}, 10.0, Verdict.CRITICAL, ago(24), ago(0.1), ago(-0.1),
        Status.FAILED, 0.5, {text: 0.1}, (Sample(signal, 1.0, {"path": text}),),
        Failure(text, Cause.BODY_INVALID, text, text), {text: text}, (signal,),
        (Evaluation(text, threshold, {text: text}, 3.0, Verdict.CRITICAL),
         Evaluation(text, threshold, {text: text}, 0.15, Verdict.OBJECTIVE_MISSED)),
        day(), (trouble,) * 3, signal, Limits(0.1, 0.2, 0.3),
    )  # fmt: skip
    notices = (Notice(Verdict.CRITICAL, text, text, ago(3), text),) * 3
    ok = replace(row, verdict=Verdict.OK, failure=None)
    return replace(
        overview(Verdict.CRITICAL, row, ok, notices=notices),
        region=text,
        version=text,
        skipped=((text, text),),
    )
