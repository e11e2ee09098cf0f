"""``metered``: how much of the TURN plan at Metered is used, and when it ends at this rate.

OpenRelay, which the same company runs, does not report how much is left.
"""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.kind import CheckConfig, DerivedChecks, Kind, lazy_import
from probe.core.model import FailurePolicy, Limits, Signal, Threshold, Unit, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.net.urls import BaseUrl, CaFile, show_host, show_url
from probe.stores.forecast import Trend, cycle_at, exhausted_at, forecast_at_cycle_end

QUOTA = Signal("probe_metered_quota_bytes", Unit.BYTES, "Quota of the plan.", column="quota")
USED = Signal("probe_metered_used_bytes", Unit.BYTES, "Used in this billing cycle.", column="used")
OVERAGE = Signal("probe_metered_overage_bytes", Unit.BYTES, "Used beyond the plan, billed per GB.")
SHARE = Signal(
    "probe_metered_used_ratio",
    Unit.RATIO,
    "Used of the plan.",
    column="of quota",
    display_name="quota used",
)
FORECAST = Signal(
    "probe_metered_forecast_ratio",
    Unit.RATIO,
    "Used of the plan when the cycle ends, at the rate of the last day (while that is not "
    "known: of the cycle).",
    column="forecast",
    display_name="forecast of the quota used",
)
ENDS = Signal(
    "probe_metered_quota_end_timestamp_seconds",
    Unit.TIMESTAMP,
    "When the plan is used up at that rate, be it after the cycle; absent without any use.",
)


class MeteredEnvironment(Environment):
    """The account: the name of the app, and the key from the dashboard's developer page."""

    title = "TURN providers"
    app: str | None = Field(default=None, alias="METERED_APP", pattern=r"^[a-z0-9-]+$")
    """Subdomain of the Metered account: `APP.metered.live`. Example: `paircam`"""
    secret_key: SecretStr | None = Field(default=None, alias="METERED_SECRET_KEY")
    """Secret key of the Metered account, from the dashboard's developer page: reads quota and
    usage."""
    # Another key, which turn and call read: it gives TURN servers, but no usage.
    api_key: SecretStr | None = Field(default=None, alias="METERED_API_KEY")
    """API key of a Metered credential: TURN servers and credentials come from Metered's REST API.
    """
    url: BaseUrl | None = Field(default=None, alias="METERED_URL")
    """Other address of Metered's API (proxies). Example: `https://paircam.metered.live`"""
    ca_file: CaFile | None = Field(default=None, alias="PROBE_CA_FILE")

    @model_validator(mode="after")
    def _key_for_the_app(self) -> Self:
        if self.app and self.secret_key is None and self.api_key is None:
            raise ValueError("METERED_APP needs METERED_SECRET_KEY or METERED_API_KEY")
        return self


class MeteredTable(CheckConfig):
    """One account; a cycle begins on the day ``renews_on`` of each month (UTC)."""

    url: BaseUrl
    """Address of the account's API. Example: `https://paircam.metered.live`"""
    secret_key: SecretStr
    """Secret key of the account."""
    renews_on: int = Field(default=1, ge=1, le=28)
    """Day of the month (UTC) on which the quota renews. Example: `1`"""
    ca_file: CaFile | None = None

    @property
    def target(self) -> str:
        return show_url(self.url.get_secret_value())

    @property
    def alert_group(self) -> str:
        return show_host(self.url.get_secret_value())


def derive(environment: MeteredEnvironment) -> DerivedChecks:
    """One check of the account."""
    defaults = {"ca_file": environment.ca_file}
    if environment.secret_key is None:
        return DerivedChecks(skipped=("METERED_SECRET_KEY is not set",), defaults=defaults)
    url = environment.url
    if url is None and environment.app is None:
        return DerivedChecks(skipped=("METERED_APP is not set",), defaults=defaults)
    url = url or SecretStr(f"https://{environment.app}.metered.live")
    table = {"name": "metered", "url": url, "secret_key": environment.secret_key}
    return DerivedChecks(tables=(table,), defaults=defaults)


async def run(table: MeteredTable, record: Recorder, context: Context) -> None:
    """Query the account and forecast its usage."""
    from probe.stores.metered_account import fetch_usage

    with record.phase("usage"):
        usage = await fetch_usage(
            table.url.get_secret_value(),
            table.secret_key.get_secret_value(),
            context,
            ca_file=table.ca_file,
            deadline=table.deadline,
        )
    record.sample(QUOTA, usage.quota)
    record.sample(USED, usage.used)
    record.sample(OVERAGE, usage.overage)
    record.sample(SHARE, usage.used / usage.quota)
    now, cycle = context.now(), cycle_at(context.now(), table.renews_on)
    trend = context.get_or_create(("metered", table.name), Trend)
    trend.add(now, usage.used)
    rate = trend.rate(now, usage.used, cycle)
    if rate is None:
        return
    record.sample(FORECAST, forecast_at_cycle_end(now, usage.used, rate, cycle) / usage.quota)
    ends = exhausted_at(now, usage.used, usage.quota, rate)
    if ends is not None:
        record.sample(ENDS, ends)


KIND = Kind(
    name="metered",
    summary="quota and usage of the TURN plan at Metered, and when it is exhausted at this rate",
    environment=MeteredEnvironment,
    table=MeteredTable,
    derive=derive,
    run=run,
    signals=(QUOTA, USED, OVERAGE, SHARE, FORECAST, ENDS),
    thresholds=(
        Threshold(SHARE, Limits(critical=0.999)),
        # In the first half day of a cycle there is no rate for a forecast.
        Threshold(FORECAST, Limits(warning=1.0), optional=True),
    ),
    failing=FailurePolicy(Verdict.WARNING, hold=60.0),
    third_party=True,
    cost="one request to Metered's REST API",
    load=lazy_import("probe.stores.metered_account"),
    interval=3600.0,
    retry=600.0,
    plot=SHARE,
    runbooks=Runbooks("quota", "quota"),
    dashboard="probe-turn",
    components=("TurnQuota",),
)
