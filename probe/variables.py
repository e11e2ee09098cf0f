"""Where variables come from: the environment, ``.env``, ``NAME_FILE``, a secrets directory.

The first that sets a variable wins, in this order. An empty variable counts as not set,
because operators' files carry empty lines for what they don't use.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

SECRETS_DIRECTORY = "PROBE_SECRETS_DIR"
DEFAULT_SECRETS_DIRECTORY = "/run/secrets"


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in the configuration: where, what, and what would be right."""

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class ConfigurationError(Exception):
    """The configuration can't be used; carries every mistake, not only the first."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class Environment(BaseSettings):
    """Variables that a kind reads. Fields carry the variable's name as their alias.

    Unknown variables are not ours to judge: the file is shared with the backend.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

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

    def get(self, name: str) -> str | None:
        """The value, or None where it is not set or empty."""
        return self._values.get(name)

    def place(self, name: str) -> str:
        """Where the variable was set, for people."""
        origin = self._places.get(name)
        return f"{name} ({origin})" if origin else name


class _Source(PydanticBaseSettingsSource):
    """Feeds a settings model from Variables."""

    def __init__(self, settings: type[BaseSettings], variables: Variables) -> None:
        super().__init__(settings)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = field.alias or field_name
        return self._variables.get(name), name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, name, _ = self.get_field_value(field, field_name)
            if value is not None:
                found[name] = value.strip()
        return found


def read_environment(model: type[E], variables: Variables) -> E:
    """Validate the variables that one model reads.

    Raises ConfigurationError with a mistake for each variable that is wrong. Values don't
    appear in it, since any could be a secret.
    """

    def from_variables(_: Any, /, settings_cls: type[BaseSettings], **__: Any) -> Any:
        return (_Source(settings_cls, variables),)

    sources: Callable[..., Any] = from_variables

    loaded = type(
        model.__name__,
        (model,),
        {
            "settings_customise_sources": classmethod(sources),
            "__module__": model.__module__,
        },
    )
    try:
        return cast(E, loaded())
    except ValidationError as error:
        raise ConfigurationError(_mistakes(error, model, variables)) from None


def _mistakes(
    error: ValidationError, model: type[Environment], variables: Variables
) -> Iterable[Mistake]:
    aliases = {name: field.alias or name for name, field in model.model_fields.items()}
    for each in error.errors(include_input=False, include_url=False):
        name = str(each["loc"][0]) if each["loc"] else "environment"
        name = aliases.get(name, name)
        yield Mistake(variables.place(name), plain_message(each["msg"]))


def plain_message(message: str) -> str:
    """pydantic's message without its own prefixes."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def load_variables(
    names: Iterable[str], environ: Mapping[str, str], env_file: Path | None = None
) -> Variables:
    """Collect the named variables from all places.

    ``env_file`` is read if it exists. Raises ConfigurationError for a file that can't be
    read or a variable that is set both directly and by ``NAME_FILE``.
    """
    layers = [("environment", environ)]
    if env_file is not None and env_file.exists():
        layers.append((str(env_file), _read_env_file(env_file)))
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    mistakes: list[Mistake] = []
    wanted = sorted({*names, SECRETS_DIRECTORY})
    for origin, layer in layers:
        for name in wanted:
            if name in values:
                continue
            try:
                found = _from_layer(name, layer)
            except ConfigurationError as error:
                mistakes += error.mistakes
                continue
            if found is not None:
                values[name], places[name] = found, origin
    directory = Path(values.get(SECRETS_DIRECTORY, DEFAULT_SECRETS_DIRECTORY))
    for name in wanted:
        path = directory / name
        if name not in values and path.is_file():
            values[name], places[name] = _read_secret(path), str(path)
    if mistakes:
        raise ConfigurationError(mistakes)
    return Variables(values, places)


def _from_layer(name: str, layer: Mapping[str, str]) -> str | None:
    direct, path = layer.get(name, "").strip(), layer.get(f"{name}_FILE", "").strip()
    if direct and path:
        raise ConfigurationError(
            [Mistake(name, f"both {name} and {name}_FILE are set: keep one of them")]
        )
    if not path:
        return direct or None
    try:
        return _read_secret(Path(path)) or None
    except OSError as error:
        raise ConfigurationError(
            [Mistake(f"{name}_FILE", f"can't read {path}: {error.strerror or error}")]
        ) from None


def _read_secret(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            [Mistake(str(path), f"can't be read as an environment file: {error}")]
        ) from None
    return {name: value for name, value in found.items() if value is not None}
