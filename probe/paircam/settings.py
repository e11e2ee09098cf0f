"""The operators' variables about the backend, and the forms of their values."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from probe.core.environment import Environment
from probe.core.field_types import Described
from probe.core.model import Unit
from probe.net.fetch.cors import first_origin
from probe.net.urls import BaseUrl, CaFile

DEFAULT_EXPIRATION = 300.0
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: object) -> object:
    """Seconds from ``5m``, ``7d`` or ``3600``; raises ValueError with the right form."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip().lower())
    if not found or (found[2] or "s") not in _UNITS:
        raise ValueError("must be a duration such as 5m, 7d or 3600 (seconds)")
    return float(found[1]) * _UNITS[found[2] or "s"]


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=1, le=315_360_000),
    Unit.SECONDS,
    Described("Lifetime of minted tokens: seconds, or a duration like `7d`. Example: `5m`"),
]


class BackendEnvironment(Environment):
    """The operators' variables that say where the backend is and how to get a token."""

    title = "The application"
    backend_url: BaseUrl | None = Field(default=None, alias="BACKEND_URL")
    """Base URL of the application's backend: `/health` and `/health/ready` are probed, and
    signaling, tokens and issued TURN credentials are found below it. Example:
    `https://paircam.live`"""
    jwt_secret: SecretStr | None = Field(default=None, alias="JWT_SECRET")
    """Key that the backend signs tokens with; the probe mints its own. Without it tokens are
    requested from the backend."""
    jwt_expiration: Duration = Field(default=DEFAULT_EXPIRATION, alias="JWT_EXPIRATION")
    frontend_url: BaseUrl | None = Field(default=None, alias="FRONTEND_URL")
    """Address of the page that users open. Example: `https://paircam.live`"""
    cors_origins: str | None = Field(default=None, alias="CORS_ORIGINS")
    """Origins that the backend allows, separated by commas. Without FRONTEND_URL the first one is
    the page's origin, which browsers send and the backend has to allow. Example:
    `https://paircam.live`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")

    @property
    def origin(self) -> str | None:
        """Where the application's pages are served from."""
        frontend = self.frontend_url.get_secret_value() if self.frontend_url else None
        return first_origin(frontend, self.cors_origins)
