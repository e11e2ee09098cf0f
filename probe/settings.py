"""The probe's own settings, and the way from variables and files to a plan."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from probe.configuration import (
    Kinds,
    Plan,
    RawTables,
    make_plan,
    read_tables,
    variables_named_in,
)
from probe.variables import (
    ConfigurationError,
    Environment,
    Mistake,
    Sources,
    read_environment,
)

DEFAULT_CONFIG = "probe.toml"
DEFAULT_REGION = "local"

# The backend's words (npm levels) beside Python's: the environment file is shared.
LOG_LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "http": logging.INFO,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
    "silly": logging.DEBUG,
}


class OwnEnvironment(Environment):
    """Variables of the probe itself."""

    region: str | None = Field(default=None, alias="PROBE_REGION")
    fly_region: str | None = Field(default=None, alias="FLY_REGION")
    config: str | None = Field(default=None, alias="PROBE_CONFIG")
    log_level: str = Field(default="info", alias="LOG_LEVEL")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in LOG_LEVELS:
            raise ValueError(f"'{value}' is no level: write one of {', '.join(LOG_LEVELS)}")
        return value.lower()


@dataclass(frozen=True)
class Settings:
    """Everything that a run needs to know: the plan, and who we are."""

    plan: Plan
    region: str
    log_level: int


def load_settings(
    kinds: Kinds,
    environ: Mapping[str, str],
    *,
    env_file: Path | None = Path(".env"),
    alone: bool = False,
) -> Settings:
    """Read variables and ``probe.toml`` and make the plan.

    ``alone`` is for the lab, which is watched by ``environ`` alone, without any file.
    Raises ConfigurationError with every mistake of every place at once.
    """
    mistakes: list[Mistake] = []
    sources = Sources(environ, secrets=None) if alone else Sources(environ, env_file)
    own, config, plan = None, None, Plan(())
    try:
        config = sources.load(["PROBE_CONFIG"]).get("PROBE_CONFIG")
        own = read_environment(OwnEnvironment, sources.load(OwnEnvironment.variable_names()))
    except ConfigurationError as error:
        mistakes += error.mistakes
    try:
        plan = _plan(kinds, sources, None if alone else Path(config or DEFAULT_CONFIG), config)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if own is None or mistakes:
        raise ConfigurationError(mistakes)
    region = own.region or own.fly_region or DEFAULT_REGION
    return Settings(plan, region, LOG_LEVELS[own.log_level])


def _plan(kinds: Kinds, sources: Sources, path: Path | None, config: str | None) -> Plan:
    mistakes: list[Mistake] = []
    tables: RawTables = {}
    if path is not None:
        tables, mistakes = read_tables(path, kinds, required=config is not None)
    names = {name for kind in kinds for name in kind.environment.variable_names()}
    try:
        variables = sources.load(names | variables_named_in(tables))
        plan = make_plan(kinds, variables, tables, path or Path(DEFAULT_CONFIG))
    except ConfigurationError as error:
        mistakes += error.mistakes
    if mistakes:
        raise ConfigurationError(mistakes)
    return plan
