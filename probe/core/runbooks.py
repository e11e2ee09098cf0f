"""What the alerts of a kind of check link to."""

from collections.abc import Mapping

from msgspec import Struct, field

from probe.core.causes import Cause

# How to find out more about any check.
ANY_CHECK = "any-check"


class Runbooks(Struct, frozen=True):
    """Names of runbooks: of a check that fails, and of a value beyond its limit.

    ``by_cause`` has others for some causes of a failure; ``by_name`` replaces ``failing`` for
    checks whose name has the word (``frontend``). A signal may have one of its own
    (:attr:`probe.core.model.Signal.runbook`).
    """

    failing: str = ANY_CHECK
    limits: str = ANY_CHECK
    by_cause: Mapping[Cause, str] = field(default_factory=dict)
    by_name: Mapping[str, str] = field(default_factory=dict)

    def of_failure(self, cause: str, check: str = "") -> str:
        """For a check of this name that fails for this cause; both may be empty."""
        found = {str(name): slug for name, slug in self.by_cause.items()}.get(cause)
        parts = [part for part in check.split("-") if part in self.by_name]
        return found or (self.by_name[parts[0]] if parts else self.failing)
