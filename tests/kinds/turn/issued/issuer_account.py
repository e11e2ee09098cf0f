"""An account with every issuer, and the relay that they name."""

from collections.abc import Mapping
from typing import Any

from probe.core.environment import Variables, read_environment
from probe.core.kind import Check, Kind
from probe.kinds import allocation
from tests.servers.providers.issuers import ACCOUNT, CHANNEL, KEY, Issuers
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab

WRONG_TYPES = '{"iceServers": 3, "ice_servers": "x", "s": "ok", "v": 1, "uris": {}, "ttl": 1}'


NAMES = ("cloudflare", "twilio", "xirsys", "turn-rest")


def variables(name: str, url: str, key: str = KEY) -> dict[str, str]:
    """What the operator of an account sets."""
    return {
        "cloudflare": {
            "CLOUDFLARE_TURN_KEY_ID": ACCOUNT,
            "CLOUDFLARE_TURN_API_TOKEN": key,
            "CLOUDFLARE_TURN_URL": url,
        },
        "twilio": {
            "TWILIO_TURN_ACCOUNT_SID": ACCOUNT,
            "TWILIO_TURN_AUTH_TOKEN": key,
            "TWILIO_TURN_URL": url,
        },
        "xirsys": {
            "XIRSYS_IDENT": ACCOUNT,
            "XIRSYS_SECRET": key,
            "XIRSYS_CHANNEL": CHANNEL,
            "XIRSYS_URL": url,
        },
        "turn-rest": {"TURN_REST_URL": f"{url}/turn", "TURN_REST_KEY": key},
    }[name]


class Account:
    """A relay, and the APIs that give credentials for it."""

    def __init__(self, relay: TurnLab, api: Issuers) -> None:
        self.relay, self.api = relay, api
        api.urls = [*relay.server.urls()]
        api.username, api.credential = USERNAME, PASSWORD

    def checks(
        self,
        name: str,
        kind: Kind[Any, Any] = allocation.KIND,
        changes: Mapping[str, str] | None = None,
    ) -> dict[str, Check]:
        known = {**variables(name, self.api.url), "PROBE_CA_FILE": str(self.relay.ca_file)}
        given = Variables({**known, **(changes or {})})
        found = kind.derive(read_environment(kind.environment, given))
        return {
            raw["name"]: Check(
                kind, kind.table.model_validate({**found.defaults, **raw, "deadline": 8})
            )
            for raw in found.tables
            if raw["name"] != "call-direct"
        }

    def check(
        self,
        name: str,
        kind: Kind[Any, Any] = allocation.KIND,
        changes: Mapping[str, str] | None = None,
    ) -> Check:
        return next(iter(self.checks(name, kind, changes).values()))
