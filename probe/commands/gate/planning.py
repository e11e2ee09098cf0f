"""From settings to what the gate judges."""

from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.gate.objectives import objectives_of
from probe.gate.window import GatePlan
from probe.once import probe_version


def gate_plan(settings: Settings, confidence: float, *, partial: bool) -> GatePlan:
    """``partial``: only some of the checks are judged. Raises ConfigurationError where there is
    nothing to judge."""
    checks = settings.plan.checks
    objectives = objectives_of(checks, settings.gate, partial=partial)
    if not objectives:
        raise ConfigurationError(
            [ConfigProblem("[[gate]]", "every objective is disabled: nothing could be decided")]
        )
    return GatePlan(
        checks=checks,
        objectives=objectives,
        region=settings.region,
        version=probe_version(),
        confidence=confidence,
        skipped=tuple((skip.kind, skip.reason) for skip in settings.plan.skipped),
    )
