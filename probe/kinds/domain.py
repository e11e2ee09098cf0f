"""``domain``: when the registration of a domain ends, as its registry says by RDAP.

Off unless a domain is named: the query leaves for the registry, not for the target.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.kind import CheckConfig, DerivedChecks, Kind, lazy_import
from probe.core.model import (
    CheckFailed,
    FailurePolicy,
    Limits,
    LimitSide,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.urls import BaseUrl, CaFile

DAY = 86400.0
BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
# Status of RFC 8056 with which a domain is in no zone, or soon won't be.
GONE = ("redemption period", "pending delete", "client hold", "server hold")

EXPIRY = Signal(
    "probe_domain_expiry_seconds",
    Unit.SECONDS,
    "Until the domain's registration ends; below 0 after it.",
    column="expires",
    display_name="remaining registration",
)
EXPIRY_TIME = Signal(
    "probe_domain_expiry_timestamp_seconds",
    Unit.TIMESTAMP,
    "When the domain's registration ends, as its registry says.",
)


def _ascii_name(text: str) -> str:
    """A domain's ASCII form (RFC 5890), without a dot at the end."""
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("is not a domain name") from None
    labels = name.split(".")
    allowed = all(label.replace("-", "").isalnum() for label in labels)
    if len(labels) < 2 or not allowed or labels[-1].isdigit():
        raise ValueError("is not a domain name, such as example.org")
    return name


DomainName = Annotated[str, Field(min_length=3, max_length=253), AfterValidator(_ascii_name)]


class DomainEnvironment(Environment):
    """Domains whose registration is watched; none by default."""

    title = "The application"
    domains: tuple[str, ...] = Field(default=(), alias="PROBE_DOMAINS")
    """Domains whose expiry the registry is asked for daily by RDAP, separated by commas. Example:
    `example.org,example.com`"""
    bootstrap: BaseUrl | None = Field(default=None, alias="RDAP_BOOTSTRAP_URL")
    """Other address of IANA's list of RDAP servers (proxies). Example:
    `https://rdap.internal/dns.json`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")

    @field_validator("domains", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(_ascii_name(each) for each in value.split(",") if each.strip())


class DomainTable(CheckConfig):
    """One domain."""

    domain: DomainName
    """The registered domain, or a name below it. Example: `example.org`"""
    rdap_url: BaseUrl | None = None
    """Base address of the registry's RDAP server; by default IANA's list says it. Example:
    `https://rdap.publicinterestregistry.org/rdap`"""
    bootstrap_url: BaseUrl = SecretStr(BOOTSTRAP)
    """IANA's list of RDAP servers (RFC 9224). Example: `https://data.iana.org/rdap/dns.json`"""
    ca_file: CaFile | None = None

    @property
    def target(self) -> str:
        return self.domain

    @property
    def alert_group(self) -> str:
        return self.domain


def derive(environment: DomainEnvironment) -> DerivedChecks:
    """One check of each domain."""
    defaults = {"ca_file": environment.ca_file, "bootstrap_url": environment.bootstrap}
    defaults = {name: value for name, value in defaults.items() if value is not None}
    if not environment.domains:
        return DerivedChecks(skipped=("PROBE_DOMAINS is not set",), defaults=defaults)
    tables = [{"name": f"domain-{name}"[:63], "domain": name} for name in environment.domains]
    return DerivedChecks(tables=tables, defaults=defaults)


async def run(table: DomainTable, record: Recorder, context: Context) -> None:
    """Ask the registry."""
    from probe.telemetry.rdap import registration_of

    with record.phase("rdap"):
        found = await registration_of(
            table.domain,
            context,
            server=table.rdap_url.get_secret_value() if table.rdap_url else "",
            bootstrap=table.bootstrap_url.get_secret_value(),
            ca_file=table.ca_file,
        )
    record.sample(EXPIRY, found.expires - context.now())
    record.sample(EXPIRY_TIME, found.expires)
    record.facts["domain"] = found.domain
    if found.registrar:
        record.facts["registrar"] = found.registrar
    if ended := [status for status in found.status if status.lower() in GONE]:
        message = (
            f"{found.domain} has the status {', '.join(ended)}: it is in no zone, or soon won't be"
        )
        raise CheckFailed(Cause.SERVICE_DOWN, message, phase="rdap", hint=_HINT)


_HINT = "renew it at its registrar; within the redemption period that still works"

KIND = Kind(
    name="domain",
    summary="when the registration of a domain ends, from its registry by RDAP",
    environment=DomainEnvironment,
    table=DomainTable,
    derive=derive,
    run=run,
    signals=(EXPIRY, EXPIRY_TIME),
    thresholds=(
        Threshold(
            EXPIRY, Limits(warning=30 * DAY, critical=7 * DAY), bad=LimitSide.BELOW, clear=0.0
        ),
    ),
    failing=FailurePolicy(Verdict.WARNING, hold=0.0),
    third_party=True,
    cost="one request to the registry's RDAP server, and one a day for IANA's list of them",
    load=lazy_import("probe.telemetry.rdap"),
    interval=DAY,
    retry=3600.0,
    plot=EXPIRY,
    runbooks=Runbooks("domain-expiring", "domain-expiring"),
    dashboard="probe-signaling",
    components=("Domain",),
    service="frontend",
)
