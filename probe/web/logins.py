"""Wrong logins: slowed down for each address, counted, and logged once a minute."""

import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from probe.web.token_bucket import TokenBucket

logger = logging.getLogger(__name__)

# A person mistypes a few times; a program that guesses gets one try a second.
PER_SECOND, BURST = 1.0, 10.0
RETRY_SECONDS = 2
MAX_ADDRESSES = 1024
LOG_SECONDS = 60.0
# One customer of a provider has a whole /64.
_IPV6_PREFIX = 64


class WrongLogins:
    """Failed logins by address. ``clock`` is the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._logged_at = -LOG_SECONDS
        self._unlogged = 0
        self.refused = 0

    @property
    def known_addresses(self) -> int:
        """How many addresses are remembered."""
        return len(self._buckets)

    def may_try(self, address: str) -> bool:
        """Whether a login from this address is checked now."""
        bucket = self._buckets.get(_network(address))
        return bucket is None or bucket.has_one()

    def failed(self, address: str) -> None:
        """A login was wrong, or was rejected unchecked."""
        self.refused += 1
        self._unlogged += 1
        network = _network(address)
        bucket = self._buckets.setdefault(network, TokenBucket(PER_SECOND, BURST, self._clock))
        self._buckets.move_to_end(network)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        bucket.spend()
        now = self._clock()
        if now - self._logged_at >= LOG_SECONDS:
            logger.warning("wrong login from %s (%d since the last line)", network, self._unlogged)
            self._logged_at, self._unlogged = now, 0


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))
    return str(ip)
