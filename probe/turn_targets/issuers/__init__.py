"""APIs that issue TURN servers and credentials: one file an issuer, one line each in ISSUERS."""

from collections.abc import Mapping
from typing import Literal

from probe.turn_targets.issuers.account import Issuer
from probe.turn_targets.issuers.cloudflare import CLOUDFLARE
from probe.turn_targets.issuers.metered import METERED
from probe.turn_targets.issuers.turn_rest import TURN_REST
from probe.turn_targets.issuers.twilio import TWILIO
from probe.turn_targets.issuers.xirsys import XIRSYS

IssuerName = Literal["cloudflare", "twilio", "xirsys", "turn-rest"]
"""What ``issuer`` may be in a table; Metered's keys are its own."""

ISSUERS: Mapping[str, Issuer] = {
    "metered": METERED,
    "cloudflare": CLOUDFLARE,
    "twilio": TWILIO,
    "xirsys": XIRSYS,
    "turn-rest": TURN_REST,
}
