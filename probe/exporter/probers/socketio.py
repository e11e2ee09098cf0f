"""``socketio``: a session in a namespace, until the server or the application confirms it."""

from pydantic import Field, SecretStr

from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.kind import DerivedChecks, Kind
from probe.core.model import Signal, Unit
from probe.core.recorder import Recorder
from probe.paircam.signaling import UPGRADE, UPGRADED, SocketTable, connect, session

CONNECTED = Signal(
    "probe_socketio_connect_seconds",
    Unit.SECONDS,
    "From the start of connecting until the namespace is connected.",
)


class SocketIoTable(SocketTable):
    """One namespace of a server. ``token`` is sent with CONNECT; ``confirmation`` is the event that
    has to follow, None for none."""

    token: SecretStr | None = Field(default=None, repr=False)
    confirmation: str | None = None


async def run(table: SocketIoTable, record: Recorder, context: Context) -> None:
    """Handshake, CONNECT, the application's event, a close. Raises CheckAborted."""
    started = context.clock()
    listen = (table.confirmation,) if table.confirmation else ()
    async with session(table, record, context, listen) as (browser, socket):
        await connect(table, record, browser, socket, table.token, context)
        record.sample(CONNECTED, context.clock() - started)
        if table.confirmation is not None:
            with record.phase("session"):
                await socket.expect(table.confirmation)


def _load() -> None:
    import probe.net.socketio
    import probe.paircam.page_polls  # noqa: F401


KIND: Kind[Environment, SocketIoTable] = Kind(
    name="socketio",
    summary="a Socket.IO session, until its namespace is connected",
    environment=Environment,
    table=SocketIoTable,
    derive=lambda _: DerivedChecks(),
    run=run,
    signals=(CONNECTED, UPGRADE, UPGRADED),
    load=_load,
)
