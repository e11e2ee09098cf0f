"""What the handshakes of a client showed."""

import ssl
from collections.abc import Sequence

from probe.net.protocol.tls_chain import Chain, chain_of

_FETCHED = (
    "browsers fetch them; curl, Node and WebViews of Android don't: have the server send them"
)


class TlsObserver:
    """What the handshakes of one client showed, redirects included."""

    def __init__(self) -> None:
        self.chains: list[Chain] = []
        self.unverified: Chain | None = None
        self.fetched: tuple[str, ...] = ()

    def completed(self, connection: ssl.SSLObject) -> None:
        """A handshake is done and its chain is verified."""
        self.chains.append(chain_of(connection, verified=True))

    def refused(self, connection: ssl.SSLObject) -> None:
        """A handshake failed; what the server sent may say why."""
        self.unverified = chain_of(connection, verified=False)

    def certificate_expiry(self) -> float | None:
        """The earliest end of any certificate in the verified chains of all connections, in
        seconds since 1970; None without a handshake."""
        ends = [chain.earliest_expiry for chain in self.chains if chain.certificates]
        return min(ends, default=None)

    @property
    def facts(self) -> dict[str, str]:
        """The last server's certificate for people: subject, names, issuer, key, chain."""
        shown = self.chains[-1] if self.chains else self.unverified
        facts = shown.facts if shown is not None else {}
        return {**facts, **not_sent(self.fetched)}


def not_sent(fetched: Sequence[str]) -> dict[str, str]:
    """The fact that the server leaves out these issuers; none where it sends all."""
    return {"certificates not sent": f"{'; '.join(fetched)} ({_FETCHED})"} if fetched else {}
