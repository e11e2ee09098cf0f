"""The exporter's settings: ``[exporter]`` and ``[modules.NAME]``, variables, ``modules.yml``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from probe.core.environment import (
    ConfigProblem,
    ConfigurationError,
    Environment,
    Variables,
    read_environment,
)
from probe.core.field_types import Seconds
from probe.core.tables.problems import table_problems
from probe.exporter.modules.builtin import Modules
from probe.exporter.targets import AllowList, entries_in, parse_entry
from probe.net.urls import CaFile

if TYPE_CHECKING:
    from probe.exporter.modules.module import Module

EXPORTER_TABLE, MODULES_TABLE = "exporter", "modules"


class ExporterEnvironment(Environment):
    """The exporter's variables."""

    title = "The exporter"
    targets: str = Field(default="", alias="PROBE_EXPORTER_TARGETS")
    """What `/probe` may contact: host patterns and networks, each with a port if one is meant.
    Without it, and without `targets` of `[exporter]`, `/probe` contacts nothing. Example:
    `*.example.org,10.0.0.0/8`"""
    modules: Path | None = Field(default=None, alias="PROBE_MODULES")
    """File with modules in blackbox_exporter's format. Example: `/etc/probe/modules.yml`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")

    @field_validator("targets")
    @classmethod
    def _are_entries(cls, value: str) -> str:
        for each in entries_in(value):
            parse_entry(each)
        return value


class ExporterTable(BaseModel):
    """The table ``[exporter]``."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    targets: tuple[str, ...] = ()
    """What `/probe` may contact: host patterns (public addresses alone) and networks (private ones
    too), each with a port if one is meant. Example: `["*.example.org", "10.0.0.0/8"]`"""
    modules_file: Path | None = None
    """File with modules in blackbox_exporter's format. Example: `modules.yml`"""
    concurrency: int = Field(default=64, ge=1, le=1000)
    """Probes at the same time; one more is answered with 503. Example: `64`"""
    rate: float = Field(default=100.0, gt=0, le=10000)
    """Probes a second, twice as many at once; more are answered with 429. Example: `100`"""
    timeout_offset: Seconds = Field(default=0.5, ge=0, le=60)
    """Subtracted from Prometheus' scrape timeout. Example: `0.5`"""

    @field_validator("targets")
    @classmethod
    def _are_entries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parse_entry(each)
        return value


class ExporterConfig(Struct, frozen=True):
    """What ``/probe`` runs, and what it may contact; ``rate`` is in probes a second,
    ``timeout_offset`` in seconds. ``files`` are what it was read from, besides ``probe.toml``."""

    allowed: AllowList = field(default_factory=AllowList)
    modules: "Mapping[str, Module]" = field(default_factory=dict)
    ca_file: Path | None = None
    concurrency: int = 64
    rate: float = 100.0
    timeout_offset: float = 0.5
    files: tuple[Path, ...] = ()

    @property
    def secrets(self) -> set[str]:
        """Every secret of the modules; what is built in has none."""
        modules = self.modules.configured if isinstance(self.modules, Modules) else self.modules
        if not modules:
            return set()
        from probe.exporter.modules.module import secrets_of

        return {text for module in modules.values() for text in secrets_of(module) if text}

    def document(self) -> str:
        """The modules as YAML, without secrets."""
        import yaml

        shown = {name: module.shown for name, module in sorted(self.modules.items())}
        text: str = yaml.safe_dump({"modules": shown}, sort_keys=False, allow_unicode=True)
        return text


RawTables = Mapping[str, Sequence[Mapping[str, Any]]]


def read_exporter(
    variables: Variables, tables: RawTables, path: Path
) -> tuple[ExporterConfig, list[ConfigProblem]]:
    """The configuration, and what is wrong in it. ``path`` is that of ``probe.toml``."""
    problems: list[ConfigProblem] = []
    environment, table = ExporterEnvironment.model_construct(), ExporterTable.model_construct()
    try:
        environment = read_environment(ExporterEnvironment, variables)
    except ConfigurationError as error:
        problems += error.problems
    for raw in tables.get(EXPORTER_TABLE, ()):
        try:
            table = ExporterTable.model_validate(raw)
        except ValidationError as error:
            problems += table_problems(error, f"{path}: [{EXPORTER_TABLE}]", ExporterTable)
    modules: dict[str, Module] = {}
    files = []
    for file in (table.modules_file, environment.modules):
        if file is not None:
            from probe.exporter.modules.reading import read_modules

            found, wrong = read_modules(file)
            modules, problems = {**modules, **found}, [*problems, *wrong]
            files.append(file)
    for raw in tables.get(MODULES_TABLE, ()):
        name, module, wrong = _toml_module(raw, variables, path)
        problems += wrong
        if module is not None:
            modules[name] = module
    if problems:
        return ExporterConfig(), problems
    allowed = AllowList.of([*entries_in(environment.targets), *table.targets])
    limits = (table.concurrency, table.rate, table.timeout_offset)
    config = ExporterConfig(
        allowed, Modules(modules), environment.ca_file, *limits, files=tuple(files)
    )
    return config, []


def _toml_module(
    raw: Mapping[str, Any], variables: Variables, path: Path
) -> "tuple[str, Module | None, list[ConfigProblem]]":
    from probe.exporter.modules.reading import parse_module, with_variables

    keys = dict(raw)
    name = str(keys.pop("name"))
    place = f"{path}: [modules.{name}]"
    filled, problems = with_variables(keys, variables, place)
    module, wrong = parse_module(filled, place)
    return name, module, [*problems, *wrong]
