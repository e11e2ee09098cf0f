"""The steps of one user: health, token, session, round trips, credentials, a relayed call."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import SecretStr

from probe.call.local_call import Call
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.ice.relay_transport import RelayServer
from probe.kinds import http, journey
from probe.kinds.http.signals import RESPONSE
from probe.kinds.journey.signals import DTLS, END, ICE, MATCH, OPEN, QUEUE, RTT, SIGNAL
from probe.load.budget import OTHER_URLS_BYTES, usual_call
from probe.load.plan import JOURNEY, Spending
from probe.load.safety import is_public_host
from probe.load.users.step import Iteration, TargetNotOwned
from probe.net.http import fresh_client
from probe.net.socketio import CONNECT, Session
from probe.net.tls.contexts import client_context
from probe.net.urls import show_host
from probe.paircam import Backend, IssuedCredentials
from probe.paircam.credentials import read_credentials
from probe.paircam.page_polls import check_page_polls
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.byte_counter import ByteCounter, count_bytes
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn.resolve import resolve_turn_server
from probe.turn_targets.server_list import login_of, preferred_first, servers_for
from probe.turn_targets.signals import BYTES

CALL_SECONDS = 30.0
CALLS = ("call", JOURNEY)
CLOSE_SECONDS = 1.0
# Of the seconds that are left, for a URL behind which there are others.
_SHARE_OF_ONE = 0.45
_JOURNEY_PARTS = {
    signal.name: f"journey_{name}"
    for name, signal in {
        "queue": QUEUE,
        "match": MATCH,
        "signal": SIGNAL,
        "ice": ICE,
        "dtls": DTLS,
        "open": OPEN,
        "echo": RTT,
        "end": END,
    }.items()
}


async def take_steps(iteration: Iteration, stack: AsyncExitStack) -> None:
    """All steps of the plan in their order. Raises StepFailed, BudgetSpent, TargetNotOwned."""
    plan = iteration.run.plan
    user = _User(iteration, stack)
    works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "health": user.health,
        "token": user.token,
        "session": user.session,
        "round_trip": user.round_trip,
        "credentials": user.credentials,
        "call": user.call,
        JOURNEY: user.journey,
    }
    for name in plan.steps:
        if name == "token" and iteration.run.target.minted:
            continue  # signed here, which is no step of the target's
        limit = max(plan.timeout, CALL_SECONDS) if name in CALLS else plan.timeout
        for _ in range(plan.round_trips if name == "round_trip" else 1):
            await iteration.step(name, works[name], limit=limit)


class _User:
    """A new device in each iteration."""

    def __init__(self, iteration: Iteration, stack: AsyncExitStack) -> None:
        run = iteration.run
        self._iteration, self._run, self._stack = iteration, run, stack
        table = run.target.signaling
        self._backend = Backend(
            table.url,
            jwt_secret=table.jwt_secret,
            jwt_expiration=table.jwt_expiration,
            ca_file=table.ca_file,
            clock=run.context.clock,
            now=run.context.now,
            origin=table.origin,
        )
        self._token: SecretStr | None = None
        self._session: Session | None = None
        self._issued: IssuedCredentials | None = None

    async def health(self) -> None:
        """One request on a connection of its own, as the check makes it."""
        record = Recorder(self._run.context.clock)
        await http.run(self._run.target.health, record, self._run.context)
        response = next(each.value for each in record.samples if each.signal == RESPONSE)
        self._run.statistics.observed("response", self._run.elapsed, response)

    async def token(self) -> None:
        """``POST /auth/token``."""
        self._token = await self._backend.issue_token(by_page=True)

    async def session(self) -> None:
        """A Socket.IO session, from connecting until the application confirms it."""
        table, run = self._run.target.signaling, self._run
        host = show_host(table.url.get_secret_value())
        browser = await self._stack.enter_async_context(
            fresh_client(ca_file=table.ca_file, clock=run.context.clock, host=host)
        )
        events = (table.ready_event, table.reply_event)
        session = Session(
            browser, host=host, namespace=table.namespace, listen=events, clock=run.context.clock
        )
        self._stack.push_async_callback(self._close, session)
        token = (await self._any_token()).get_secret_value()
        began = run.context.clock()
        await session.open(table.site, token=token, transport="websocket")
        await session.expect(CONNECT)
        try:
            ready = await session.expect(table.ready_event)
        except CheckFailed:
            if not await session.closed_by_server(0.0):
                raise
            message = f'the server ends the session instead of sending "{table.ready_event}"'
            raise CheckFailed(Cause.AUTH_REJECTED, message) from None
        self._iteration.measured = ready - began
        self._session = session
        await self._check_page()

    async def _check_page(self) -> None:
        """Once in a load: whether the page gets sessions is decided by what is configured."""
        run, table = self._run, self._run.target.signaling
        passed: list[bool] = run.context.get_or_create("load: page polls", list)
        if not passed and table.site.is_cross_origin:
            self._iteration.spent = run.costs["session"][0]
            await check_page_polls(
                table.site, table.ca_file, Recorder(run.context.clock), run.context
            )
            passed.append(True)

    async def round_trip(self) -> None:
        """One event and the one that answers it."""
        assert self._session is not None
        table, sent = self._run.target.signaling, self._run.context.clock()
        await self._session.send(table.send_event)
        self._iteration.measured = await self._session.expect(table.reply_event, since=sent) - sent

    async def credentials(self) -> None:
        """``POST /turn/credentials``: what a browser gets."""
        token = await self._any_token()
        answer = await self._backend.post_with_token("/turn/credentials", token, by_page=True)
        self._issued = read_credentials(answer, self._run.context.now())
        login_of(self._issued)
        urls = preferred_first(self._issued)
        if {*CALLS} & {*self._run.plan.steps}:
            for url in urls:
                await self._check_owned(url)

    async def call(self) -> None:
        """Two peers through the relay that a browser prefers, or the next one that works, until
        echoes came back."""
        traffic = ByteCounter()
        try:
            with count_bytes(traffic):
                await self._call_by_any(traffic)
        finally:
            # A deletion that is still under way when the call ends is in what a call usually takes.
            usual = usual_call(self._run.plan.echoes).turn_bytes
            self._iteration.spent = Spending(turn_bytes=max(traffic.sent + traffic.received, usual))

    async def _call_by_any(self, traffic: ByteCounter) -> None:
        """Browsers gather of all at once; here the one that worked before comes first. Raises the
        first failure where none works."""
        run, began = self._run, self._run.context.clock()
        credentials, urls, ca_file = await self._servers()
        works: list[TurnUri] = run.context.get_or_create(("load: works", tuple(urls)), list)
        ordered, failure = sorted(urls, key=lambda url: url not in works), None
        for url in ordered:
            left = CALL_SECONDS - (run.context.clock() - began)
            seconds = left if url == ordered[-1] else _SHARE_OF_ONE * left
            try:
                await self._call(await self._relay(url, credentials, ca_file), seconds)
            except CheckFailed as error:
                failure = failure or error
                if traffic.sent + traffic.received > OTHER_URLS_BYTES:
                    break
            else:
                works[:] = [url]
                return
        assert failure is not None
        raise failure

    async def _call(self, relay: RelayServer, seconds: float) -> None:
        run = self._run
        bounds = PhaseTimeouts.as_browsers(seconds)
        async with Call(relay, Recorder(run.context.clock), run.context, bounds=bounds) as call:
            await call.gather()
            await call.connect()
            await call.echo(run.plan.echoes)
        reached = call.times.offering
        parts = {"gathering": reached.gathering, "ice": reached.ice, "dtls": reached.dtls}
        for name, took in {**parts, "open": call.times.opened}.items():
            run.statistics.observed(f"call_{name}", run.elapsed, took)
        for rtt in call.times.rtts:
            run.statistics.observed("call_echo", run.elapsed, rtt)

    async def journey(self) -> None:
        """Two more devices, matched by the application, call each other through it."""
        run = self._run
        record = Recorder(run.context.clock)
        # Bytes are counted by check in a context, and this journey is one of many.
        context = Context(clock=run.context.clock, now=run.context.now, redact=run.context.redact)
        context.closing = run.context.closing
        try:
            await journey.run(run.target.journey, record, context)
        finally:
            most, usual = run.costs[JOURNEY]
            taken = sum(each.value for each in record.samples if each.signal == BYTES)
            self._iteration.spent = replace(most, turn_bytes=max(int(taken), usual.turn_bytes))
        for sample in record.samples:
            if part := _JOURNEY_PARTS.get(sample.signal.name):
                run.statistics.observed(part, run.elapsed, sample.value)

    async def _any_token(self) -> SecretStr:
        if self._token is None:
            self._token = await self._backend.token()
        return self._token

    async def _servers(self) -> tuple[TurnCredentials, Sequence[TurnUri], Path | None]:
        """Who we are, where, and whose certificates count there."""
        run = self._run
        if self._issued is not None:
            ca_file = run.target.signaling.ca_file
            return login_of(self._issued), preferred_first(self._issued), ca_file
        table = run.target.relay
        assert table is not None
        found, urls = await servers_for(table, Recorder(run.context.clock), run.context)
        assert found is not None
        for url in urls:
            await self._check_owned(url)
        return found, urls, table.ca_file

    async def _relay(
        self, url: TurnUri, credentials: TurnCredentials, ca_file: Path | None
    ) -> RelayServer:
        addresses = await resolve_turn_server(url, None)
        tls = None
        if url.kind == "tls":
            key = ("load: TLS to relays", ca_file)
            tls = self._run.context.get_or_create(key, lambda: client_context(ca_file))
        return RelayServer(url, credentials, addresses, tls)

    async def _check_owned(self, url: TurnUri) -> None:
        """A local backend may issue a public relay, which the whole world shares."""
        run = self._run
        if run.owns_target:
            return
        key = ("load: is public", url.host, url.port)
        known: list[bool] = run.context.get_or_create(key, list)
        if not known:
            known.append(await is_public_host(url.host, url.port))
        if known[-1]:
            raise TargetNotOwned(str(url))

    async def _close(self, session: Session) -> None:
        await self._run.context.closing.close(session.close(), timeout=CLOSE_SECONDS)
