"""Whether a run has the time that its own settings take.

A run ends by the check's ``deadline``, before the next one begins (``interval``), and by
``--deadline`` or a scrape's timeout. What is cut short then says nothing of the target.
"""

import math
from collections.abc import Iterator

from probe.core.causes import Cause
from probe.core.model import Failure

SHARE_OF_INTERVAL = 0.95
"""Of an interval: the rest is for cleaning up before the next run."""
# A deadline that loses less than this to the interval is not worth a word.
_CURTAILED = 0.9


def time_warnings(needed: float, deadline: float, interval: float | None) -> Iterator[str]:
    """What is wrong with the seconds that a run has, naming the key and the remedy.

    ``needed`` is what a run takes at a healthy target by its own settings, ``interval`` None for a
    check that no schedule runs.
    """
    if deadline < needed:
        yield f"deadline = {deadline:g} is too short: {_takes(needed)}. {_set('deadline', needed)}"
    longest = math.inf if interval is None else SHARE_OF_INTERVAL * interval
    least = math.ceil(max(needed, deadline) / SHARE_OF_INTERVAL)
    if longest < needed:
        yield (
            f"interval = {interval:g} leaves a run {longest:.3g} s: {_takes(needed)}, so that none "
            f"has a result. {_set('interval', least)}"
        )
    elif longest < _CURTAILED * deadline:
        yield (
            f"interval = {interval:g} leaves a run {longest:.3g} s of its deadline = {deadline:g}, "
            f"so that what is slower fails. {_set('interval', least)}, or lower the deadline"
        )


def lacks_time(needed: float, limit: float, phase: str) -> Failure:
    """The end of a run that was cut off after ``limit`` seconds and needed more."""
    message = f"the run had {limit:.3g} s: {_takes(needed)}"
    hint = (
        f"Give it more time: deadline, interval (or --deadline) of {math.ceil(needed)} s or more."
    )
    return Failure(phase, Cause.DEADLINE, message, hint)


def _takes(needed: float) -> str:
    return f"its own settings take up to {math.ceil(needed)} s where all is well"


def _set(key: str, least: float) -> str:
    return f"Set {key} to at least {math.ceil(least)}"
