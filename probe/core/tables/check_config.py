"""What every check's settings have, whatever its kind."""

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from probe.core.field_types import Seconds
from probe.core.model import Impact, Result, Signal, Threshold
from probe.core.tables.threshold_config import Table, ThresholdConfig


class CheckConfig(Table):
    """One check's settings: an entry of ``probe.toml``, or derived from the environment.

    Kinds add their own keys; an unknown key is an error. ``deadline``, ``interval`` (from start to
    start), ``retry`` (until the next run after a failure) and ``hold`` (how long a failure lasts
    before its alert fires) are seconds; the last three default to the kind's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Name of the check, unique in the plan. The name of a derived check changes that check.
    Example: `turn-eu-udp`"""
    enabled: bool = True
    """`false` removes a check that the variables bring. Example: `false`"""
    deadline: Seconds = Field(default=10.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `10`"""
    interval: Seconds | None = Field(default=None, ge=1, le=86400)
    """From the start of a run to the start of the next; the default is the kind's. Example: `60`"""
    retry: Seconds | None = Field(default=None, ge=1, le=86400)
    """Until the next run after a failure; the default is the kind's. Example: `30`"""
    hold: Seconds | None = Field(default=None, ge=0, le=86400)
    """How long it fails before the alert fires; default: the kind's. Also: `for`. Example: `30`"""
    severity: Literal["warning", "critical"] | None = None
    """Severity of a failure; the default is the kind's. Example: `warning`"""
    runbook: str | None = Field(default=None, min_length=1, max_length=500)
    """Runbook of this check's alerts: an `https://` address, or a Markdown file next to
    `probe.toml`, whose section `First steps` is sent with an alert. Example:
    `https://wiki.example.org/turn`"""
    service: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Service of the status page that this check is part of; the default is the kind's. Example:
    `backend`"""
    target_labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels of the target, in `probe_target_info`. Example: `{ team = "rtc" }`"""
    thresholds: Mapping[str, ThresholdConfig] = Field(default_factory=dict)
    """Limits on signals of this check, by signal name; each replaces the kind's. Example: `{
    probe_turn_relay_rtt_seconds = { warning = 0.4 } }`"""

    @property
    def target(self) -> str:
        """The address for people: without user info and query."""
        raise NotImplementedError

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all samples of this check, besides check, kind, target and region."""
        return {}

    @property
    def alert_group(self) -> str:
        """Alerts of checks with the same group are one incident."""
        return self.name

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact()

    @property
    def component(self) -> str:
        """What its alerts are named after (``TurnRelay``); empty: its kind's first component."""
        return ""

    @property
    def own_service(self) -> str | None:
        """Its service of the status page, where that is not the kind's."""
        return self.service

    @property
    def can_fail(self) -> bool:
        """Whether a run can fail; otherwise it measures, or is unknown."""
        return True

    @property
    def needed_seconds(self) -> float:
        """What a run takes at a healthy target by its own settings; 0: nothing worth counting."""
        return 0.0

    @property
    def check_thresholds(self) -> tuple[Threshold, ...]:
        """Signals that only this check has, each with its limits (which may be empty)."""
        return ()

    def applies_limits_to(self, signal: Signal) -> bool:
        """Whether the kind's limits on a signal apply to this check."""
        return True

    def measures(self, signal: Signal) -> bool:
        """Whether it can have a signal of its kind."""
        return True

    def samples_in_a_run(self, signal: Signal) -> int:
        """How many measurements of a signal one run makes at least."""
        return 1

    @property
    def is_reference(self) -> bool:
        """Whether this is a reference target, which shows whether our own network works."""
        return False

    @property
    def redundancy_group(self) -> str | None:
        """Checks of one group back each other up; None: no redundancy."""
        return None

    @property
    def backup_groups(self) -> frozenset[str]:
        """While a check of these groups passes, a failure of this one has
        ``severity_with_backup``."""
        return (
            frozenset({self.redundancy_group}) if self.redundancy_group is not None else frozenset()
        )

    @property
    def triggers(self) -> frozenset[str]:
        """Trigger keys: checks that subscribe to one run at once when this check fails or
        recovers."""
        return frozenset()

    def triggers_after(self, result: Result) -> frozenset[str]:
        """The same where it depends on what the run found."""
        return self.triggers

    def blames(self, result: Result) -> frozenset[str]:
        """The trigger keys of what a run found to be the cause: a check that subscribes to one and
        fails too has the same."""
        return frozenset()

    @property
    def triggered_by(self) -> frozenset[str]:
        """The trigger keys that this check subscribes to."""
        return frozenset()
