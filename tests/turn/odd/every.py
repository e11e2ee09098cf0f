"""All odd TURN servers, in the order of the table in docs/browser.md."""

from tests.turn.odd.allocating import ADDRESSES, ANSWERS, CREDENTIALS, LIFETIMES
from tests.turn.odd.granting import CHANNELS, PERMISSIONS, REFRESHES
from tests.turn.odd.relaying import CONNECTIONS, DATA

ODD_SERVERS = (
    *ADDRESSES,
    *CREDENTIALS,
    *ANSWERS,
    *LIFETIMES,
    *REFRESHES,
    *PERMISSIONS,
    *CHANNELS,
    *DATA,
    *CONNECTIONS,
)
