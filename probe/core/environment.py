"""Where variables come from: the environment, ``.env``, ``NAME_FILE``, a secrets directory.

The first that sets a variable wins, in this order. An empty variable counts as not set,
because operators' files carry empty lines for what they don't use.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from dotenv.parser import parse_stream
from msgspec import Struct
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from probe.core.field_types import plain_error
from probe.core.tables.config_problem import ConfigProblem as ConfigProblem
from probe.core.tables.config_problem import ConfigurationError as ConfigurationError
from probe.untrusted.regular_file import read_regular, reason

MAX_BYTES = 1 << 20
_QUOTES = "the value is in quotes, which are taken as part of it: leave them out"
SECRETS_DIRECTORY = "PROBE_SECRETS_DIR"
DEFAULT_SECRETS_DIRECTORY = Path("/run/secrets")


class Environment(BaseSettings):
    """Variables that a kind reads. Fields carry the variable's name as their alias.

    Unknown variables are ignored: the file is shared with the backend. ``title`` is their section
    in the reference and in ``.env.example``; without it the kind's name.
    """

    title: ClassVar[str] = ""
    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what :func:`read_environment` passes: :class:`EnvironmentSources` has read the
        environment, ``.env`` and the files, and knows the place of each variable."""
        return (init_settings,)

    @classmethod
    def variable_names(cls) -> tuple[str, ...]:
        """The variables that this model reads."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


E = TypeVar("E", bound=Environment)


class Variables:
    """The variables of one process, each with the place that it came from."""

    def __init__(self, values: Mapping[str, str], places: Mapping[str, str] | None = None) -> None:
        self._values = {name: value for name, value in values.items() if value.strip()}
        self._places = dict(places or {})

    @property
    def names(self) -> Iterable[str]:
        """The variables that are set and not empty."""
        return self._values.keys()

    def get(self, name: str) -> str | None:
        """The value, or None where it is not set or empty."""
        return self._values.get(name)

    def place(self, name: str) -> str:
        """Where the variable was set, for people."""
        origin = self._places.get(name)
        return f"{name} ({origin})" if origin else name


def read_environment(model: type[E], variables: Variables) -> E:
    """Validate the variables that one model reads.

    Raises ConfigurationError with a mistake for each variable that is wrong. Values don't
    appear in it, since any could be a secret. Where none is set, no validator is built: most
    models are of what is not configured, and their defaults are valid.
    """
    names = model.variable_names()
    values: dict[str, Any] = {}
    for name in names:
        if (value := variables.get(name)) is not None:
            values[name] = value.strip()
    try:
        return model(**values) if values else cast(E, model.model_construct())
    except ValidationError as error:
        raise ConfigurationError(_problems(error, model, variables)) from None


def _problems(
    error: ValidationError, model: type[Environment], variables: Variables
) -> Iterable[ConfigProblem]:
    # A default that is wrong is named after its field, a value after its variable.
    fields = dict(model.model_fields)
    fields |= {each.alias: each for each in model.model_fields.values() if each.alias}
    for each in error.errors(include_input=False, include_url=False):
        name = str(each["loc"][0]) if each["loc"] else "environment"
        about = fields.get(name)
        place = variables.place((about and about.alias) or name)
        yield ConfigProblem(place, plain_error(each, about))


class EnvironmentSources:
    """Where the variables of one process come from; each file is read once.

    ``environ`` comes first, then ``env_file`` (if it exists), then the secrets directory:
    the one that PROBE_SECRETS_DIR names, else ``secrets`` (None: none).
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        env_file: Path | None = None,
        secrets: Path | None = DEFAULT_SECRETS_DIRECTORY,
    ) -> None:
        self._layers = [_Layer("environment", environ)]
        if env_file is not None and env_file.exists():
            self._layers.append(read_env_file(env_file))
        self._secrets = secrets
        self._warnings: set[str] = set()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about loaded variables that are probably mistakes."""
        return (*sorted(self._warnings),)

    @property
    def names(self) -> dict[str, list[str]]:
        """The variables that are set and not empty, whoever reads them, by their place."""
        return {each.place: [*Variables(each.values).names] for each in self._layers}

    def load(self, names: Iterable[str]) -> Variables:
        """Collect the named variables.

        Raises ConfigurationError with every mistake: files that can't be read, quotes that
        don't close, variables that are set both directly and by ``NAME_FILE``.
        """
        # The directory first: it is where the others may be.
        wanted = [SECRETS_DIRECTORY, *sorted({*names} - {SECRETS_DIRECTORY})]
        values: dict[str, str] = {}
        places: dict[str, str] = {}
        problems = [problem for layer in self._layers for problem in layer.problems_with(wanted)]
        for name in wanted:
            try:
                for place, value in self._look_up(name, values.get(SECRETS_DIRECTORY)):
                    values[name], places[name] = value, place
                    if _is_quoted(value):
                        self._warnings.add(
                            f"{name} ({place}): {_QUOTES} (docker --env-file keeps them)"
                        )
                    break
                else:
                    self._warn_of_empty_files(name)
            except ConfigurationError as error:
                problems += error.problems
        self._warn_of_directory(values.get(SECRETS_DIRECTORY, ""))
        if problems:
            raise ConfigurationError(problems)
        return Variables(values, places)

    def _warn_of_directory(self, named: str) -> None:
        if os.path.lexists(named) and not os.path.isdir(named):
            problem = f"{named} is not a folder: name one that has a file for each secret"
            self._warnings.add(f"{SECRETS_DIRECTORY}: {problem}")
        elif named and not os.path.isdir(named):
            self._warnings.add(f"{SECRETS_DIRECTORY}: there is no folder {named} to read")

    def _warn_of_empty_files(self, name: str) -> None:
        for path in filter(None, (each.values.get(f"{name}_FILE") for each in self._layers)):
            self._warnings.add(f"{name}_FILE: {path} is empty, so that {name} is not set")

    def _look_up(self, name: str, named_directory: str | None) -> Iterator[tuple[str, str]]:
        for layer in self._layers:
            found = layer.get(name)
            if found is not None:
                yield layer.place_of(name), found
        directory = Path(named_directory) if named_directory else self._secrets
        if directory is None:
            return
        path = directory / name
        try:
            exists = path.is_file()
        except OSError as error:
            # The default directory may be another user's: it was never asked for.
            if named_directory:
                raise _unreadable(SECRETS_DIRECTORY, directory, error) from None
            return
        if exists and (value := _read_secret(str(path), path)):
            yield str(path), value


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]


class _Layer(Struct, frozen=True):
    """Variables of one place, and what can't be read there, by its text."""

    place: str
    values: Mapping[str, str]
    torn: tuple[tuple[int, str], ...] = ()
    lines: Mapping[str, int] = {}

    def place_of(self, name: str) -> str:
        """Where a variable is set, with the line of the file."""
        line = self.lines.get(name) or self.lines.get(f"{name}_FILE")
        return f"{self.place} line {line}" if line else self.place

    def get(self, name: str) -> str | None:
        direct = self.values.get(name, "").strip()
        path = self.values.get(f"{name}_FILE", "").strip()
        if direct and path:
            problem = f"both {name} and {name}_FILE are set: keep one of them"
            raise ConfigurationError([ConfigProblem(name, problem)])
        return (_read_named(f"{name}_FILE", path) if path else direct) or None

    def problems_with(self, names: Iterable[str]) -> Iterator[ConfigProblem]:
        """Unclosed quotes that swallow one of these variables; others are ignored."""
        if not self.torn:
            return
        names_pattern = "|".join(map(re.escape, names))
        ours = re.compile(rf"^\s*(export\s+)?({names_pattern})\s*=", re.MULTILINE)
        unknown = re.compile(
            rf"^\s*(?:set|setx|declare|env|-)?\s*({names_pattern})\s*[:= ]", re.IGNORECASE
        )
        for line, text in self.torn:
            if ours.search(text):
                problem = "a quote is not closed here: close it, or leave both quotes out"
                yield ConfigProblem(f"{self.place} line {line}", problem)
            elif found := unknown.search(text):
                problem = f"this line sets nothing: write {found[1].upper()}=VALUE"
                yield ConfigProblem(f"{self.place} line {line}", problem)


def read_env_file(path: Path) -> _Layer:
    """Parse an environment file as Docker, Node and shells do (``export``, quotes, comments)."""
    try:
        text = read_regular(path, MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), path, error) from None
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    split: list[tuple[int, str]] = []
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original
        if binding.error or (binding.value is not None and "\n" in binding.value):
            split.append((original.line, original.string))
        if binding.key is not None and binding.value is not None and not binding.error:
            values[binding.key] = binding.value
            # What stands before it belongs to it: blank lines and comments.
            before = len(original.string) - len(original.string.lstrip())
            lines[binding.key] = original.line + original.string.count("\n", 0, before)
    return _Layer(str(path), values, tuple(split), lines)


def _read_named(place: str, path: str) -> str:
    if not path.startswith(("/", ".", "~")) and not os.path.lexists(path):
        # It may be the very secret, in the wrong place: it is not repeated.
        problem = "names no file that is there: write the path of the file that holds the value"
        raise ConfigurationError([ConfigProblem(place, problem)])
    return _read_secret(place, Path(path))


def _read_secret(place: str, path: Path) -> str:
    try:
        return read_regular(path, MAX_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(place, path, error) from None


def _unreadable(place: str, path: Path, error: OSError | UnicodeDecodeError) -> ConfigurationError:
    return ConfigurationError([ConfigProblem(place, f"can't read {path}: {reason(error)}")])
