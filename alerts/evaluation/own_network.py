"""Whether the probe's own network fails: then failures of targets count as not measured.

References are addresses independent of the targets, at least two of them. As long as
every one of them fails, a target that fails too has not been measured. Without references
every failure counts.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from probe.core.causes import HINTS, Cause
from probe.core.kind import Check
from probe.core.model import DURATION, SUCCESS, Failure, Result, Status

FEWEST = 2


class References:
    """The last result of each reference."""

    def __init__(self) -> None:
        self._works: dict[str, bool | None] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        names = [check.name for check in checks if check.table.is_reference]
        self._works = {name: self._works.get(name) for name in names}

    @property
    def names(self) -> list[str]:
        """The references."""
        return list(self._works)

    @property
    def all_fail(self) -> bool:
        """Whether the probe's own network fails."""
        return len(self._works) >= FEWEST and all(works is False for works in self._works.values())

    def update(self, result: Result) -> Result:
        """A new result: a reference's is noted; a target's is returned as it is, or as not
        measured while every reference fails."""
        if result.check in self._works:
            self._works[result.check] = result.status is Status.OK
            return result
        return as_not_measured(result) if self.all_fail else result


def as_not_measured(result: Result) -> Result:
    """A failure that may be the probe's own, as not measured; anything else unchanged."""
    failure = result.failure
    if result.status is not Status.FAILED or failure is None:
        return result
    message = f"every reference fails too: {failure.message}"
    return replace(
        result,
        status=Status.UNKNOWN,
        failure=Failure(failure.phase, Cause.OWN_NETWORK, message, HINTS[Cause.OWN_NETWORK]),
        samples=tuple(
            sample for sample in result.samples if sample.signal not in (SUCCESS, DURATION)
        ),
    )
