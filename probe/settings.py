"""The probe's own settings, and the way from variables and files to a plan."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from probe.configuration import (
    Kinds,
    Plan,
    make_plan,
    read_tables,
    variables_named_in,
)
from probe.variables import (
    ConfigurationError,
    Environment,
    Mistake,
    load_variables,
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
    with_config: bool = True,
) -> Settings:
    """Read variables and ``probe.toml`` and make the plan.

    ``with_config=False`` leaves ``probe.toml`` out (the lab is watched alone). Raises
    ConfigurationError with every mistake of every place at once.
    """
    mistakes: list[Mistake] = []
    own_names = OwnEnvironment.variable_names()
    own = None
    try:
        own = read_environment(OwnEnvironment, load_variables(own_names, environ, env_file))
    except ConfigurationError as error:
        mistakes += error.mistakes
    config = own.config if own is not None else environ.get("PROBE_CONFIG")
    plan = Plan(())
    try:
        plan = _plan(kinds, environ, env_file, config, with_config=with_config)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if own is None or mistakes:
        raise ConfigurationError(mistakes)
    region = own.region or own.fly_region or DEFAULT_REGION
    return Settings(plan, region, LOG_LEVELS[own.log_level])


def _plan(
    kinds: Kinds,
    environ: Mapping[str, str],
    env_file: Path | None,
    config: str | None,
    *,
    with_config: bool,
) -> Plan:
    path = Path(config or DEFAULT_CONFIG)
    mistakes: list[Mistake] = []
    tables = {}
    if with_config:
        try:
            tables = dict(read_tables(path, kinds, required=config is not None))
        except ConfigurationError as error:
            mistakes += error.mistakes
    names = {name for kind in kinds for name in kind.environment.variable_names()}
    try:
        variables = load_variables(names | variables_named_in(tables), environ, env_file)
        plan = make_plan(kinds, variables, tables, path)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if mistakes:
        raise ConfigurationError(mistakes)
    return plan
