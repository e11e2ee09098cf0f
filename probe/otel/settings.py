"""OpenTelemetry's own variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import Field, SecretStr, field_validator

from probe.core.environment import ConfigProblem, ConfigurationError, Environment
from probe.net.urls import BaseUrl, CaFile, HttpUrl

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HTTP = "http/protobuf"
REMEDY = (
    "needs the OpenTelemetry SDK: pip install 'paircam-probe[otel]', or set OTEL_SDK_DISABLED=true"
)


class OtelEnvironment(Environment):
    """The variables of OpenTelemetry that count here."""

    title = "OpenTelemetry"
    endpoint: BaseUrl | None = Field(default=None, alias=ENDPOINT)
    """Where metrics and traces are sent by OTLP over HTTP: `/v1/metrics` and `/v1/traces` below it.
    Example: `https://otel.example.org:4318`"""
    metrics_endpoint: HttpUrl | None = Field(
        default=None, alias="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    )
    """Whole address for metrics, instead. Example: `https://otel.example.org/v1/metrics`"""
    traces_endpoint: HttpUrl | None = Field(
        default=None, alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    """Whole address for traces, instead. Example: `https://otel.example.org/v1/traces`"""
    headers: SecretStr | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_HEADERS")
    """Headers of each request, as `name=value` with commas between them; secret."""
    protocol: str = Field(default=HTTP, alias="OTEL_EXPORTER_OTLP_PROTOCOL")
    """Only `http/protobuf` is spoken. Example: `http/protobuf`"""
    compression: Literal["none", "gzip"] = Field(
        default="gzip", alias="OTEL_EXPORTER_OTLP_COMPRESSION"
    )
    """Compression of the requests. Example: `gzip`"""
    timeout: float = Field(default=10_000.0, ge=100, le=600_000, alias="OTEL_EXPORTER_OTLP_TIMEOUT")
    """Milliseconds that a request may take. Example: `10000`"""
    certificate: CaFile | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_CERTIFICATE")
    """PEM file with the authorities that the endpoint's certificate is held against. Example:
    `/etc/probe/ca.pem`"""
    interval: float = Field(
        default=60_000.0, ge=100, le=86_400_000, alias="OTEL_METRIC_EXPORT_INTERVAL"
    )
    """Milliseconds between two exports of metrics. Example: `60000`"""
    service: str = Field(default="probe", min_length=1, alias="OTEL_SERVICE_NAME")
    """`service.name` of the resource. Example: `probe`"""
    attributes: str = Field(default="", alias="OTEL_RESOURCE_ATTRIBUTES")
    """Further attributes of the resource. Example: `deployment.environment.name=staging`"""
    metrics: Literal["otlp", "none"] = Field(default="otlp", alias="OTEL_METRICS_EXPORTER")
    """`none` sends no metrics. Example: `none`"""
    traces: Literal["otlp", "none"] = Field(default="otlp", alias="OTEL_TRACES_EXPORTER")
    """`none` sends no traces. Example: `none`"""
    disabled: bool = Field(default=False, alias="OTEL_SDK_DISABLED")
    """`true` sends nothing. Example: `true`"""

    @field_validator("protocol")
    @classmethod
    def _is_spoken(cls, value: str) -> str:
        if value != HTTP:
            raise ValueError(f"write {HTTP}, or leave it out: gRPC is not spoken")
        return value

    @field_validator("headers")
    @classmethod
    def _are_pairs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            pairs_of(value.get_secret_value())
        return value

    @field_validator("attributes")
    @classmethod
    def _are_attributes(cls, value: str) -> str:
        pairs_of(value)
        return value


def pairs_of(text: str) -> dict[str, str]:
    """``a=b,c=d`` with quoted values. Raises ValueError that repeats no value."""
    found = {}
    for number, part in enumerate(filter(None, (each.strip() for each in text.split(","))), 1):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"entry {number} must be NAME=VALUE")
        found[name.strip()] = unquote(value.strip())
    return found


@dataclass(frozen=True)
class OtelSettings:
    """Where to, and how: empty addresses send nothing. ``timeout`` and ``interval`` are seconds."""

    metrics_url: str = field(default="", repr=False)
    traces_url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    gzip: bool = True
    timeout: float = 10.0
    interval: float = 60.0
    certificate: Path | None = None
    resource: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> set[str]:
        """The headers' values."""
        return {value for value in self.headers.values() if value}


def otel_settings(environment: OtelEnvironment) -> OtelSettings | None:
    """The settings; None where nothing is sent. Raises ConfigurationError without the SDK."""
    metrics = _address(environment, environment.metrics_endpoint, "metrics", environment.metrics)
    traces = _address(environment, environment.traces_endpoint, "traces", environment.traces)
    if environment.disabled or not (metrics or traces):
        return None
    if not is_installed():
        raise ConfigurationError([ConfigProblem(ENDPOINT, REMEDY)])
    headers = environment.headers.get_secret_value() if environment.headers else ""
    return OtelSettings(
        metrics,
        traces,
        pairs_of(headers),
        environment.compression == "gzip",
        environment.timeout / 1000,
        environment.interval / 1000,
        environment.certificate,
        {"service.name": environment.service, **pairs_of(environment.attributes)},
    )


def _address(
    environment: OtelEnvironment, own: SecretStr | None, signal: str, exporter: str
) -> str:
    if exporter == "none":
        return ""
    if own is not None:
        return own.get_secret_value()
    base = environment.endpoint
    return f"{base.get_secret_value()}/v1/{signal}" if base is not None else ""


def is_installed() -> bool:
    """Whether the SDK and its exporter are there; neither is imported."""
    try:
        return all(
            find_spec(name) is not None
            for name in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
        )
    except ModuleNotFoundError:
        return False
