"""What a load is put on: the tables of the configured checks, as the load uses them."""

from msgspec import Struct

from probe.config.check_plan import CheckPlan
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.thresholds import thresholds_of
from probe.kinds.call.settings import CallTable
from probe.kinds.http import HttpTable
from probe.kinds.http.signals import RESPONSE
from probe.kinds.journey import JourneyTable
from probe.kinds.signaling import SignalingTable
from probe.kinds.signaling.signals import RTT
from probe.load.plan import LoadPlan
from probe.load.verdict import Objectives
from probe.net.urls import show_url


class LoadTarget(Struct, frozen=True):
    """The health page, the signaling server, the journey, and the relay of calls where the
    backend is not asked for one; the objectives are those of the configured checks."""

    health: HttpTable
    signaling: SignalingTable
    journey: JourneyTable
    relay: CallTable | None
    objectives: Objectives

    @property
    def shown(self) -> str:
        """The backend's address for people."""
        return show_url(self.signaling.url.get_secret_value())

    @property
    def minted(self) -> bool:
        """Whether tokens are signed here."""
        return self.signaling.jwt_secret is not None


def target_of(checks: CheckPlan, plan: LoadPlan) -> LoadTarget:
    """What these checks watch. Raises ConfigurationError where there is nothing for a step."""
    signaling = _first_signaling(checks)
    if signaling is None:
        raise ConfigurationError(
            [ConfigProblem("BACKEND_URL", "is not set: name the backend to put under load")]
        )
    relay = _relay(checks)
    if "call" in plan.steps and "credentials" not in plan.steps and relay is None:
        message = "call needs credentials, or TURN_URLS with a user name and a password"
        raise ConfigurationError([ConfigProblem("--steps", message)])
    return LoadTarget(
        health=_health(checks, signaling),
        signaling=signaling.model_copy(update={"transport": "websocket"}),
        journey=_journey(signaling, plan),
        relay=relay,
        objectives=_objectives(checks),
    )


def _first_signaling(checks: CheckPlan) -> SignalingTable | None:
    tables = (check.table for check in checks.checks)
    return next((table for table in tables if isinstance(table, SignalingTable)), None)


def _health(checks: CheckPlan, signaling: SignalingTable) -> HttpTable:
    """One request for each run: nothing is followed, and no promise is looked into."""
    found = [
        check.table
        for check in checks.checks
        if isinstance(check.table, HttpTable) and check.table.body == "health"
    ]
    url = signaling.url.get_secret_value() + "/health"
    default = HttpTable.model_validate(
        {"name": "health", "url": url, "body": "health", "ca_file": signaling.ca_file}
    )
    once = {
        "follow_redirects": False,
        "expect_https_redirect": False,
        "expect_cors_refused": False,
    }
    return (found[0] if found else default).model_copy(update=once)


def _journey(signaling: SignalingTable, plan: LoadPlan) -> JourneyTable:
    return JourneyTable(
        name="load",
        url=signaling.url,
        jwt_secret=signaling.jwt_secret,
        jwt_expiration=signaling.jwt_expiration,
        ca_file=signaling.ca_file,
        origin=signaling.origin,
        echoes=plan.echoes,
    )


def _relay(checks: CheckPlan) -> CallTable | None:
    for check in checks.checks:
        table = check.table
        if isinstance(table, CallTable) and table.url is not None and table.source is not None:
            return table
    return None


def _objectives(checks: CheckPlan) -> Objectives:
    """The configured objectives of response time and round trip, or their defaults."""
    found = {
        threshold.signal: threshold.limits.objective
        for check in checks.checks
        if isinstance(check.table, SignalingTable)
        or (isinstance(check.table, HttpTable) and check.table.body == "health")
        for threshold in thresholds_of(check)
        if threshold.signal in (RTT, RESPONSE)
    }
    default = Objectives()
    return Objectives(
        response=found.get(RESPONSE, default.response),
        round_trip=found.get(RTT, default.round_trip),
    )
