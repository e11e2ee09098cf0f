"""Modules from ``[modules.NAME]`` of ``probe.toml`` and from blackbox_exporter's YAML."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from probe.core.environment import ConfigProblem, Variables
from probe.core.tables.problems import not_set, table_problems
from probe.exporter.modules.module import SECTIONS, Module
from probe.untrusted.regular_file import read_regular, reason
from probe.untrusted.yaml_document import InvalidYaml, read_yaml

MAX_BYTES = 1 << 20
_FROM = "_from"


def read_modules(path: Path) -> tuple[dict[str, Module], list[ConfigProblem]]:
    """The modules of a file as blackbox_exporter has it, and what is wrong in it."""
    try:
        found = read_yaml(read_regular(path, MAX_BYTES))
    except InvalidYaml as error:
        where = "" if error.line is None else f" line {error.line}"
        return {}, [ConfigProblem(f"{path}{where}", error.problem)]
    except (OSError, UnicodeDecodeError) as error:
        return {}, [ConfigProblem(str(path), f"can't be read: {reason(error)}")]
    document = found.value
    if not isinstance(document, Mapping) or not isinstance(document.get("modules"), Mapping):
        return {}, [ConfigProblem(str(path), 'write the modules as a mapping below "modules:"')]
    problems = [
        ConfigProblem(f'{path}, key "{key}"', 'is unknown: only "modules" is read')
        for key in document
        if key != "modules"
    ]
    modules: dict[str, Module] = {}
    for name, raw in document["modules"].items():
        module, wrong = parse_module(raw, f'{path}, module "{name}"')
        problems += wrong
        if module is not None:
            modules[str(name)] = module
    return modules, problems


def parse_module(raw: object, place: str) -> tuple[Module | None, list[ConfigProblem]]:
    """One module; None and what is wrong with it."""
    if not isinstance(raw, Mapping):
        return None, [ConfigProblem(place, "write a mapping with a prober")]
    problems = list(_foreign_sections(raw, place))
    try:
        module = Module.model_validate(raw)
    except ValidationError as error:
        return None, [*problems, *table_problems(error, place, Module)]
    try:
        if module.dns is not None:
            module.dns.check()
    except ValueError as error:
        problems.append(ConfigProblem(f'{place}, key "dns"', str(error)))
    return (None if problems else module), problems


def _foreign_sections(raw: Mapping[Any, Any], place: str) -> Iterator[ConfigProblem]:
    """Keys of another prober would have no effect: they are a mistake."""
    prober = raw.get("prober")
    own = SECTIONS.get(prober) if isinstance(prober, str) else None
    for section in sorted(set(SECTIONS.values())):
        if own is not None and section != own and raw.get(section):
            problem = f'has no effect with prober "{prober}": write its keys below "{own}"'
            yield ConfigProblem(f'{place}, key "{section}"', problem)


def with_variables(
    raw: object, variables: Variables, place: str
) -> tuple[Any, list[ConfigProblem]]:
    """A table in which each ``key_from = "NAME"`` is ``key`` with the variable's value."""
    if isinstance(raw, list):
        pairs = [with_variables(each, variables, place) for each in raw]
        return [each for each, _ in pairs], [each for _, wrong in pairs for each in wrong]
    if not isinstance(raw, Mapping):
        return raw, []
    found: dict[str, Any] = {}
    problems: list[ConfigProblem] = []
    for key, value in raw.items():
        if key.endswith(_FROM) and isinstance(value, str):
            given = variables.get(value)
            if given is None:
                problems.append(ConfigProblem(f'{place}, key "{key}"', not_set(value)))
            else:
                found[key.removesuffix(_FROM)] = given
            continue
        found[key], wrong = with_variables(value, variables, place)
        problems += wrong
    return found, problems
