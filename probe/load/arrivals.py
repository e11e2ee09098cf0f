"""When iterations begin: an open model's schedule, which is fixed before the first one.

An open model's arrivals don't wait for answers: an iteration that begins late because the
target is slow is late by that much, and its response time counts from the intended start.
Otherwise a slow target would be asked less often and seem quicker than it is, which is
known as coordinated omission (G. Tene, "How NOT to Measure Latency").
"""

import math

from probe.load.plan import LoadPlan


class Arrivals:
    """The intended starts of a plan, in seconds from the start of the load.

    During the ramp the rate grows linearly from 0, then it is constant.
    """

    def __init__(self, plan: LoadPlan) -> None:
        assert plan.rate is not None
        self._rate, self._ramp, self._end = plan.rate, min(plan.ramp, plan.duration), plan.duration
        self._next, self._stride = plan.offset, plan.stride

    def next_start(self) -> float | None:
        """The next intended start; None where the load ends before it."""
        at = self._at(self._next)
        if at >= self._end:
            return None
        self._next += self._stride
        return at

    def remaining(self) -> list[float]:
        """The intended starts that have not been taken."""
        found = []
        while (at := self.next_start()) is not None:
            found.append(at)
        return found

    def _at(self, number: int) -> float:
        in_ramp = self._rate * self._ramp / 2
        if number < in_ramp:
            return math.sqrt(2 * self._ramp * number / self._rate)
        return self._ramp + (number - in_ramp) / self._rate


def first_start(plan: LoadPlan, number: int) -> float:
    """When a user of a closed model begins, in seconds from the start of the load: users of
    all workers arrive evenly during the ramp."""
    whole = plan.users * plan.stride
    return min(plan.ramp, plan.duration) * (number * plan.stride + plan.offset) / max(whole, 1)
