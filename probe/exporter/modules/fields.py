"""Types of the keys of a module, as blackbox_exporter's YAML has them.

https://github.com/prometheus/blackbox_exporter/blob/master/CONFIGURATION.md
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from probe.exporter.modules.pattern import RegularExpression

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PROMETHEUS_UNITS = {"d": 86400.0, "w": 604800.0, "y": 31536000.0}
_UNITS = {**_GO_UNITS, **_PROMETHEUS_UNITS}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?B?)", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_MAX_SECRET = 1 << 16
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Strict(BaseModel):
    """A mapping whose unknown keys are mistakes, and whose ``UNSUPPORTED`` ones say what to do."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        defer_build=True,
    )
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _are_supported(cls, raw: object) -> Any:
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            return raw
        for key, remedy in cls.UNSUPPORTED.items():
            if raw.get(key):
                raise ValueError(f'"{key}" is not supported: {remedy}')
        return {key: value for key, value in raw.items() if key not in cls.UNSUPPORTED}


def parse_duration(value: object) -> object:
    """Seconds from Go's ``1m30s`` and ``500ms``, or from a number of seconds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, str):
        return value
    text = value.strip()
    if text == "0":
        return 0.0
    if not _DURATION.fullmatch(text):
        raise ValueError("write a duration such as 5s, 500ms or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _parse_size(value: object) -> object:
    """Bytes from ``1MB`` or ``512KiB``; both are powers of 1024, as for blackbox_exporter."""
    if isinstance(value, bool) or not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError("write a size such as 1MB or 512KiB")
    power = _POWERS[found[2].upper().rstrip("B").rstrip("I")]
    return int(float(found[1]) * 1024**power)


def compile_pattern(value: object) -> object:
    """A regular expression in RE2's syntax. Raises ValueError."""
    return RegularExpression.of(value) if isinstance(value, str) else value


def read_secret_file(path: Path) -> str:
    """The content of a secret's file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(_MAX_SECRET).decode("utf-8", "replace").strip()


def _as_text(value: object) -> object:
    """A number where a text belongs, such as a password of digits alone."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers that a request can carry. Raises ValueError that names the first other one."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"'{name[:60]}' is not a header name")
        if any(each in value for each in "\r\n\0"):
            raise ValueError(f"the value of {name} has a line break: write it on one line")
    return headers


Duration = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, le=3600)]
Size = Annotated[int, BeforeValidator(_parse_size), Field(ge=0)]
Pattern = Annotated[RegularExpression, BeforeValidator(compile_pattern)]
Text = Annotated[str, BeforeValidator(_as_text)]
Secret = Annotated[SecretStr, BeforeValidator(_as_text)]
Headers = Annotated[Mapping[str, Text], AfterValidator(check_headers)]
Protocol = Literal["ip4", "ip6"]


class Addressed(Strict):
    """Keys of every prober that connects to an address."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        "source_ip_address": "bind the probe's machine to one address instead"
    }

    preferred_ip_protocol: Protocol | None = None
    """``ip4`` or ``ip6``; without it the system's order, as a browser connects."""
    ip_protocol_fallback: bool = True
    """Whether the other family may be used where the preferred one has no address."""
