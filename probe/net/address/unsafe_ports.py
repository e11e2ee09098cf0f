"""Ports to which browsers never speak HTTP (Fetch standard, "port blocking")."""

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed

# net/base/port_util.cc, kRestrictedPorts, as far as Chromium blocks them: a test asks it.
UNSAFE_PORTS = frozenset(
    {
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161),
        *(179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563),
        *(587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045),
        *(5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080),
    }
)
_HINT = "Browsers refuse it (ERR_UNSAFE_PORT) and never ask: serve it on 443, 80, 8080 or another."


def check_port(address: URL) -> None:
    """Raises CheckFailed(port_blocked) for an address that has answered and no browser asks."""
    if address.port in UNSAFE_PORTS:
        message = f"browsers never ask port {address.port} of {address.host_subcomponent}"
        raise CheckFailed(Cause.PORT_BLOCKED, message, hint=_HINT)
