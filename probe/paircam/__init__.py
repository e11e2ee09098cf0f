"""What signaling, turn and call know of the application: its tokens and issued credentials.

The backend issues 5 tokens a minute to one address, so a token is minted from the secret
where we have it, and else kept until shortly before it expires and shared by all checks of
the process.
"""

from probe.paircam.backend import Backend, Issue, backend_from
from probe.paircam.credentials import IssuedCredentials
from probe.paircam.settings import (
    DEFAULT_EXPIRATION,
    BackendEnvironment,
    Duration,
    parse_duration,
)

__all__ = [
    "DEFAULT_EXPIRATION",
    "Backend",
    "BackendEnvironment",
    "Duration",
    "Issue",
    "IssuedCredentials",
    "backend_from",
    "parse_duration",
]
