"""The part of a plan that a shard or a witness runs. Each needs the references itself, by which a
probe knows that its own network works."""

from collections.abc import Callable

from msgspec.structs import replace

from probe.config.check_plan import CheckPlan
from probe.config.shard import Shard
from probe.core.kind import Check, Skipped


def plan_of_shard(plan: CheckPlan, shard: Shard) -> CheckPlan:
    """The checks of this shard, and the references."""
    reason = f" runs on another shard (PROBE_SHARD={shard.number}/{shard.count})"
    return _part(plan, lambda check: shard.runs(check.name), reason)


def plan_of_witness(plan: CheckPlan) -> CheckPlan:
    """The references alone: a witness is a member of the cluster that checks no target."""
    return _part(plan, lambda _: False, ": PROBE_WITNESS is set")


def _part(plan: CheckPlan, runs: Callable[[Check], bool], reason: str) -> CheckPlan:
    checks = tuple(check for check in plan.checks if check.table.is_reference or runs(check))
    skipped = tuple(
        Skipped(check.kind.name, f"{check.name}{reason}")
        for check in plan.checks
        if check not in checks
    )
    return replace(plan, checks=checks, skipped=(*plan.skipped, *skipped), may_be_empty=True)
