"""What checks of Fly.io have in common: variables, the token, the clients that they share."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from probe.core.environment import Environment
from probe.core.kind import CheckConfig
from probe.net.urls import BaseUrl, CaFile, show_host
from probe.telemetry.fly.token import split_token

PROMETHEUS_URL = "https://api.fly.io/prometheus"
MACHINES_URL = "https://api.machines.dev"

# It is in addresses and queries as it is.
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


def _whole_token(token: SecretStr) -> SecretStr:
    split_token(token.get_secret_value())
    return token


Token = Annotated[SecretStr, AfterValidator(_whole_token)]


class FlyEnvironment(Environment):
    """Fly's variables, and the application's address, by which alerts are grouped."""

    title = "Fly.io"
    token: Token | None = Field(default=None, alias="FLY_API_TOKEN")
    """Token that reads the organization: output of `fly tokens create readonly`, pasted as printed.
    Example: `FlyV1 fm2_…`"""
    org: Name | None = Field(default=None, alias="FLY_ORG")
    """Slug of the organization. Example: `personal`"""
    app: Name | None = Field(default=None, alias="FLY_APP")
    """Name of the app that is watched. Example: `paircam`"""
    prometheus_url: BaseUrl | None = Field(default=None, alias="FLY_PROMETHEUS_URL")
    """Other address of Fly's Prometheus (proxies). Example: `https://api.fly.io/prometheus`"""
    machines_url: BaseUrl | None = Field(default=None, alias="FLY_MACHINES_URL")
    """Other address of the Machines API; inside the private network `http://_api.internal:4280`.
    Example: `https://api.machines.dev`"""
    backend_url: BaseUrl | None = Field(default=None, alias="BACKEND_URL")
    """Base URL of the application's backend. Example: `https://paircam.live`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")

    @property
    def measures_users(self) -> bool:
        """Whether Fly is asked about users' requests, and so comes before other sources."""
        return None not in (self.token, self.org, self.app)

    @property
    def backend_host(self) -> str | None:
        """The host of the application's public address."""
        return show_host(self.backend_url.get_secret_value()) if self.backend_url else None


class FlyAccess(CheckConfig):
    """Keys of a check that asks Fly: who we are, which app, where.

    ``token`` may be written in both forms; it is kept bare, so that it is found and hidden
    wherever it turns up, and ``scheme`` says how it is presented.
    """

    app: Name
    """Name of the app. Example: `paircam`"""
    token: SecretStr
    """Token that reads the organization."""
    scheme: str = ""
    """Authorization scheme of the token; derived from it. Example: `FlyV1`"""
    org: Name | None = None
    """Slug of the organization. Example: `personal`"""
    prometheus_url: BaseUrl = SecretStr(PROMETHEUS_URL)
    """Address of Fly's Prometheus."""
    machines_url: BaseUrl = SecretStr(MACHINES_URL)
    """Address of the Machines API."""
    backend_host: str | None = None
    """Host of the backend, by which alerts are grouped. Example: `paircam.live`"""
    ca_file: CaFile | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: object) -> Any:
        """Parts the token from its scheme."""
        if not isinstance(data, dict) or "scheme" in data:
            return data
        token = data.get("token")
        text = token.get_secret_value() if isinstance(token, SecretStr) else token
        if not isinstance(text, str):
            return data
        try:
            scheme, bare = split_token(text)
        except ValueError as error:
            raise ValueError(f"token: {error}") from None
        return {**data, "token": SecretStr(bare), "scheme": scheme}

    @field_validator("token")
    @classmethod
    def _good(cls, value: SecretStr) -> SecretStr:
        return _whole_token(value)

    @property
    def alert_group(self) -> str:
        """The application's host, so that alerts on what users see are grouped with it."""
        return self.backend_host or self.app

    @property
    def headers(self) -> dict[str, str]:
        """How we say who we are."""
        return {"Authorization": f"{self.scheme} {self.token.get_secret_value()}"}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.scheme not in ("FlyV1", "Bearer"):
            raise ValueError('scheme is "FlyV1" or "Bearer": leave it out, the token says which')
        return self
