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
# As the backend's library reads them (npm's ms): short and long, in the singular and the plural.
_NAMES = {
    0.001: "ms msec msecs millisecond milliseconds",
    1.0: "s sec secs second seconds",
    60.0: "m min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
    604800.0: "w week weeks",
    31_557_600.0: "y yr yrs year years",
}
_UNITS = {name: seconds for seconds, names in _NAMES.items() for name in names.split()}


def parse_duration(value: object) -> object:
    """Seconds from ``5m``, ``7 days`` or ``3600``; raises ValueError with the right form."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)\s*([a-z]*)", value.strip().lower())
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
