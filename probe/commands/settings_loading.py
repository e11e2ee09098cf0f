"""From command-line options to settings; each error on a line of its own."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from msgspec import structs

from probe.config.advice import NOT_READ
from probe.config.check_plan import CheckPlan, select
from probe.config.discovery.reading import Discovery
from probe.config.probe_environment import ProbeEnvironment
from probe.config.settings import Settings, load_settings
from probe.core.environment import (
    MAX_BYTES,
    ConfigProblem,
    ConfigurationError,
    EnvironmentSources,
    Variables,
    read_environment,
)
from probe.diagnostics.core_dumps import forbid_core_dumps
from probe.kinds import KINDS
from probe.kinds.http import HttpTable
from probe.untrusted.regular_file import read_regular

DEFAULT_ENV_FILE = Path(".env")
# What service discovery gave last, for as long as this process lives.
_DISCOVERED = Discovery()
OWN_VARIABLES = frozenset(ProbeEnvironment.variable_names()) - {"PROBE_CONFIG"}


def settings_for(
    options: Mapping[str, Any], lab_environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings that the options ask for. With the lab, no file is read and only the lab is
    monitored; the probe's own variables apply.

    Raises ConfigurationError with every mistake.
    """
    settings = configured_settings(options, lab_environment)
    if (web_config := options["web_config_file"]) is not None:
        service = structs.replace(
            settings.service, web_config_file=web_config, web_config_place="--web.config.file"
        )
        settings = replace(settings, service=service)
    try:
        plan = select(settings.plan, options["only"], options["require"], once=options["once"])
    except ConfigurationError as error:
        # What is not read may be why there is nothing.
        misses = [each for each in settings.warnings if NOT_READ in each]
        unread = [ConfigProblem("configuration", each) for each in misses]
        raise ConfigurationError([*error.problems, *unread, *_other_format(options)]) from None
    expected = {
        "expect_version": options["expect_version"],
        "expect_new_instance": options["expect_new_instance"],
    }
    given = {key: value for key, value in expected.items() if value is not None}
    empty = [key for key, value in given.items() if not value.strip()]
    if empty:
        # An empty value would match every answer, including the old machine's.
        raise ConfigurationError(
            ConfigProblem("--" + key.replace("_", "-"), "is empty: say what to expect")
            for key in empty
        )
    return replace(settings, plan=_expecting(plan, given) if given else plan)


def configured_settings(
    options: Mapping[str, Any], lab_environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings with all that is configured, which may be nothing. Raises like settings_for."""
    forbid_core_dumps()
    if lab_environment is not None:
        own = {name: os.environ[name] for name in OWN_VARIABLES if name in os.environ}
        return load_settings(KINDS, {**own, **lab_environment}, alone=True)
    return load_settings(KINDS, os.environ, env_file=_env_file(options), known=_DISCOVERED)


def variables_for(
    options: Mapping[str, Any],
    names: Iterable[str],
    lab_environment: Mapping[str, str] | None = None,
) -> Variables:
    """These variables, from the same sources. Raises ConfigurationError."""
    if lab_environment is not None:
        own = {name: os.environ[name] for name in OWN_VARIABLES if name in os.environ}
        return EnvironmentSources({**own, **lab_environment}, secrets=None).load(names)
    return EnvironmentSources(os.environ, _env_file(options)).load(names)


def read_own_environment(options: Mapping[str, Any]) -> ProbeEnvironment:
    """The variables of the probe itself alone, without the plan of checks.

    Raises ConfigurationError with every mistake.
    """
    forbid_core_dumps()
    sources = EnvironmentSources(os.environ, _env_file(options))
    return read_environment(ProbeEnvironment, sources.load(ProbeEnvironment.variable_names()))


def print_problems(error: ConfigurationError) -> None:
    """One line for each mistake, on stderr."""
    for problem in error.problems:
        click.echo(f"probe: {problem}", err=True)


def _env_file(options: Mapping[str, Any]) -> Path:
    chosen: Path | None = options["env_file"]
    if chosen is not None and not chosen.exists():
        raise ConfigurationError([ConfigProblem(f"--env-file {chosen}", "there is no such file")])
    return chosen or DEFAULT_ENV_FILE


def _other_format(options: Mapping[str, Any]) -> list[ConfigProblem]:
    """That what should set variables is in another format, which sets none."""
    path = _env_file(options)
    start = read_regular(path, MAX_BYTES).lstrip()[:1] if path.exists() else ""
    if start == "{":
        return [ConfigProblem(str(path), "is JSON: write NAME=VALUE, a line each")]
    if start == "[":
        return [ConfigProblem(str(path), f"is TOML: name it with PROBE_CONFIG={path}")]
    return []


def _expecting(plan: CheckPlan, expected: Mapping[str, str]) -> CheckPlan:
    """Put the expectations into every check that reads /health."""
    checks = list(plan.checks)
    found = False
    for index, check in enumerate(checks):
        table = check.table
        if isinstance(table, HttpTable) and table.body == "health":
            checks[index] = structs.replace(check, table=table.model_copy(update=dict(expected)))
            found = True
    if not found:
        options = " and ".join("--" + key.replace("_", "-") for key in expected)
        raise ConfigurationError(
            [ConfigProblem(options, "no check reads /health in this run: set BACKEND_URL")]
        )
    return CheckPlan(tuple(checks), plan.skipped)
