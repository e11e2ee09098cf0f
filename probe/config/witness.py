"""The plan of a witness: a member of the cluster that looks at no target."""

from dataclasses import replace

from probe.config.check_plan import CheckPlan
from probe.core.kind import Skipped


def plan_of_witness(plan: CheckPlan) -> CheckPlan:
    """Of a plan the references alone, by which a probe knows that its own network works."""
    checks = tuple(check for check in plan.checks if check.table.is_reference)
    skipped = tuple(
        Skipped(check.kind.name, f"{check.name}: PROBE_WITNESS is set")
        for check in plan.checks
        if check not in checks
    )
    return replace(plan, checks=checks, skipped=(*plan.skipped, *skipped), may_be_empty=True)
