"""The same odd paths, as ``turn``, ``allocation``, ``peer``, ``journey`` and ``load`` have them.

The calling side of ``peer`` is between two relayed addresses here, as a page's, and not between a
relay and another place; ``journey`` and ``load`` have a backend of the lab.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from probe.call import local_call
from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.model import Result
from probe.core.runner import run_check
from probe.ice.candidate import IceParameters, OfferCandidate
from probe.ice.relay_agent import RelayAgent
from probe.ice.relay_pair import RelayPairIce, RemoteParameters
from probe.ice.relay_transport import RelayServer
from probe.ice.transport import IceTransport
from probe.kinds import allocation, call, journey, turn
from tests.browser.odd.compare_turn import ECHO_PAUSE
from tests.browser.odd.paths.compare import OK, serving
from tests.browser.odd.paths.issuing import JWT_SECRET, issuing
from tests.browser.odd.paths.load_kind import called_by_load
from tests.browser.odd.paths.row import PathRow
from tests.servers.certificate import Certificate
from tests.turn.bends import PASSWORD, USERNAME

_DURING_DTLS = ("relayed 3", "relayed 8", "relayed 20", "relayed 60", "ChannelBind")
ALTERED_DTLS = "datagrams of DTLS altered"
_CHECKS_OF_A_PAGE = ("check", "answer", "dtls")


async def of_allocation(row: PathRow, certificate: Certificate) -> str:
    """One allocation."""
    return await _by_url(allocation.KIND, row, certificate)


async def of_turn(row: PathRow, certificate: Certificate) -> str:
    """Two, and echoes between them."""
    return await _by_url(turn.KIND, row, certificate, echoes=int(row.seconds / ECHO_PAUSE))


async def of_peer(row: PathRow, certificate: Certificate) -> str:
    """A call whose offering side checks as a call to a probe elsewhere does."""
    with _AsPeers():
        return await _by_url(call.KIND, row, certificate, echoes=int(row.seconds / ECHO_PAUSE))


async def of_journey(row: PathRow, certificate: Certificate) -> str:
    """Two users of the application."""
    async with serving(row, certificate) as url, issuing(url) as backend:
        table = {
            "name": "journey",
            "url": backend,
            "jwt_secret": JWT_SECRET,
            "ca_file": certificate.ca_file,
            "echoes": int(row.seconds / ECHO_PAUSE),
        }
        return _in_words(row, await _run(journey.KIND, table))


async def of_load(row: PathRow, certificate: Certificate) -> str:
    """One user of ``probe load``."""
    async with serving(row, certificate) as url:
        found = await called_by_load(url, certificate, int(row.seconds / ECHO_PAUSE))
    return OK if row.opens and found.startswith("echo: ") else found


KINDS: dict[str, Callable[[PathRow, Certificate], Awaitable[str]]] = {
    "allocation": of_allocation,
    "turn": of_turn,
    "peer": of_peer,
    "journey": of_journey,
    "load": of_load,
}


def concerns(kind: str, row: PathRow) -> bool:
    """Whether this kind meets on its way what a call of Chromium's met: ``turn`` and ``allocation``
    send no checks and no DTLS, and are elsewhere by then."""
    if row.why:
        return False
    if kind == "load":
        return True
    if kind in ("peer", "journey"):
        # What DTLS drops is not seen where its two ends are in two places.
        return row.group != ALTERED_DTLS
    moment = row.port.get("moment", "")
    sends_it = not any(rule.of in _CHECKS_OF_A_PAGE for rule in row.rules)
    if kind == "turn":
        return sends_it and not moment.startswith(_DURING_DTLS)
    # Only one of a call's two allocations is there.
    return sends_it and moment != "Allocate answered"


def table_of_kinds(rows: Sequence[PathRow]) -> list[str]:
    """A table of docs/browser.md: how many rows each kind is compared on."""
    lines = ["| kind | rows | a user of Chromium has a call | has none |", "|---|---|---|---|"]
    for kind in KINDS:
        meant = [row for row in rows if concerns(kind, row)]
        taken = sum(row.is_taken for row in meant)
        lines.append(f"| `{kind}` | {len(meant)} | {taken} | {len(meant) - taken} |")
    return lines


def agrees(kind: str, row: PathRow, outcome: str) -> bool:
    """Whether the verdict is that of Chromium's users; an allocation may stand without a call."""
    if kind == "allocation" and row.phase not in ("", "gathering"):
        return True
    return (outcome == OK) == row.is_taken


async def _by_url(kind: Kind[Any, Any], row: PathRow, certificate: Certificate, **more: Any) -> str:
    async with serving(row, certificate) as url:
        table = {
            "name": kind.name,
            "url": url,
            "username": USERNAME,
            "password": PASSWORD,
            "ca_file": certificate.ca_file,
            **more,
        }
        return _in_words(row, await _run(kind, table))


async def _run(kind: Kind[Any, Any], table: dict[str, Any]) -> Result:
    context = Context()
    result = await run_check(Check(kind, kind.table.model_validate(table)), context)
    await context.closing.drain(timeout=5)
    return result


def _in_words(row: PathRow, result: Result) -> str:
    if result.failure is None or (row.opens and result.failure.phase == "echo"):
        return OK
    return f"{result.failure.phase}: {result.failure.cause.value}"


class _AnsweringIce(RelayPairIce):
    """The other end, as ``RelayAgent`` learns of it: loopback, which no offer may name."""

    @property
    def side(self) -> IceParameters:
        host, port = self.address
        place = OfferCandidate.model_construct(type="relay", address=host, port=port, priority=1)
        return IceParameters(self.login, (place,))

    async def set_remote(self, other: IceTransport) -> None:
        assert isinstance(other, RelayAgent)
        assert other.client.relayed is not None
        await self.set_remote_parameters(RemoteParameters(other.login, other.client.relayed))


class _AsPeers:
    """Calls are between such ends while at least one of several that run at once is within."""

    _within = 0
    _usual = staticmethod(local_call._ice)

    def __enter__(self) -> None:
        _AsPeers._within += 1
        local_call._ice = _ice_of_a_peer

    def __exit__(self, *_: object) -> None:
        _AsPeers._within -= 1
        if not _AsPeers._within:
            local_call._ice = _AsPeers._usual


def _ice_of_a_peer(
    relay: RelayServer | None, context: Context, *, controlling: bool
) -> IceTransport:
    assert relay is not None
    clocks: dict[str, Any] = {"clock": context.clock, "now": context.now}
    if controlling:
        return RelayAgent(relay, **clocks)
    return _AnsweringIce(relay, controlling=False, **clocks)
