"""From the options of ``probe load`` to a plan and a budget; mistakes name the option."""

import os
from pathlib import Path

from msgspec import Struct

from probe.core.environment import ConfigProblem, ConfigurationError
from probe.load.budget import default_limit, iteration_cost
from probe.load.plan import JOURNEY, STEPS, LoadPlan, Spending, with_needed

MAX_RAMP = 30.0
RAMP_SHARE = 0.1


class LoadOptions(Struct, frozen=True):
    """What the command line says; times in seconds, None where nothing is given."""

    users: int
    duration: float
    rate: float | None
    ramp: float | None
    think: float
    steps: tuple[str, ...]
    journey: bool
    round_trips: int
    timeout: float
    max_requests: int | None
    max_redis_commands: int | None
    max_turn_bytes: int | None
    workers: int
    coordinator: str | None
    join: bool
    owned: bool
    format_: str
    output: Path | None


def plan_of(options: LoadOptions) -> LoadPlan:
    """The plan. Raises ConfigurationError with every mistake."""
    problems = []
    unknown = [name for name in options.steps if name not in (*STEPS, JOURNEY)]
    if unknown:
        known = ", ".join(STEPS)
        problems.append(ConfigProblem("--steps", f"'{unknown[0]}' is not a step: write {known}"))
    ramp = options.ramp
    if ramp is None:
        ramp = min(RAMP_SHARE * options.duration, MAX_RAMP)
    if ramp > options.duration:
        problems.append(ConfigProblem("--ramp", "is longer than --for"))
    if options.join and options.coordinator is None:
        problems.append(ConfigProblem("--join", "needs --coordinator"))
    if options.workers > options.users:
        problems.append(ConfigProblem("--workers", "are more than --users"))
    if problems:
        raise ConfigurationError(problems)
    return LoadPlan(
        users=options.users,
        duration=options.duration,
        rate=options.rate,
        ramp=ramp,
        think=options.think,
        steps=_steps(options),
        round_trips=options.round_trips,
        timeout=options.timeout,
    )


def _steps(options: LoadOptions) -> tuple[str, ...]:
    chosen = options.steps or STEPS
    if options.journey:
        chosen = (*(name for name in chosen if name != "call"), JOURNEY)
    return with_needed(chosen)


def limit_of(options: LoadOptions, plan: LoadPlan, *, minted: bool) -> Spending:
    """The budget: what is given, else what the plan's iterations use.

    Raises ConfigurationError where not even one iteration of each worker fits.
    """
    default = default_limit(plan, minted=minted)
    given = {
        "requests": options.max_requests,
        "redis_commands": options.max_redis_commands,
        "turn_bytes": options.max_turn_bytes,
    }
    limit = Spending(
        **{
            name: getattr(default, name) if amount is None else amount
            for name, amount in given.items()
        }
    )
    most = iteration_cost(plan, minted=minted)[0]
    problems = [
        ConfigProblem(
            "--max-" + name.replace("_", "-"),
            f"{getattr(limit, name):,} is less than one iteration of each worker may use: "
            f"{getattr(most, name) * options.workers:,}",
        )
        for name, amount in given.items()
        if amount is not None and amount < getattr(most, name) * options.workers
    ]
    if problems:
        raise ConfigurationError(problems)
    return limit


def check_output(path: Path | None) -> None:
    """Find out before the load, not after it, that the report can't be written.

    Raises ConfigurationError.
    """
    if path is None:
        return
    problem = None
    if not path.parent.is_dir():
        problem = f"there is no folder {path.parent}"
    elif path.is_dir():
        problem = "is a folder"
    elif not os.access(path.parent, os.W_OK):
        problem = "can't be written"
    if problem:
        raise ConfigurationError([ConfigProblem(f"--output {path}", problem)])
