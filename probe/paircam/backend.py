"""The backend, as all checks of a process share it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from probe.net.urls import show_host
from probe.paircam.confirmation import confirm_refusal
from probe.paircam.credentials import (
    IssuedCredentials,
    mint,
    parse,
    read_credentials,
    read_token,
)
from probe.paircam.settings import DEFAULT_EXPIRATION

T = TypeVar("T")

TOKEN_PATH, RELAYS_PATH = "/auth/token", "/turn/credentials"

# A kept token is renewed this long before its end, or a tenth of its life if that is less.
RENEWAL_SECONDS = 30.0
# A refusal that was confirmed says as much of the next one, so that no burst of requests follows.
CONFIRMED_SECONDS = 10.0


# Said of a path where nothing is, of a method, of a connection: nothing about tokens.
_NO_REFUSALS = (404, 405, 408, 410, 421, 426, 501)
# A backend that has issued no token yet is waited for so long, and half of what a run has left.
_FIRST_ASK_SECONDS = 2.0
_NO_TOKEN_HINT = (
    "Users get no token and so no session; the probe signs its own (JWT_SECRET), and those work."
)


def _shows_issuing(status: int | None) -> bool:
    """Whether a failure is that of an address where tokens are issued: it refuses, or there is a
    token that no page gets."""
    refuses = status is not None and status >= 400 and status not in _NO_REFUSALS
    return refuses or status in (200, 201)


def _bearer(token: SecretStr) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.get_secret_value()}"}


class Issue(Struct, frozen=True):
    """When the backend last issued a token (monotonic clock) and the seconds it took."""

    at: float
    seconds: float


class _CachedCredentials(Struct, frozen=True):
    value: SecretStr
    until: float


class _SingleFlight(Generic[T]):
    """Asks once for all who want the answer while it is under way, and keeps nothing.

    Whoever comes later asks anew; if the one who asks is cancelled, the next one asks.
    """

    def __init__(self, request: Callable[[], Awaitable[T]]) -> None:
        self._request = request
        self._lock = asyncio.Lock()
        self._answers = 0
        self._result: T | None = None
        self._refusal: CheckAborted | None = None

    async def get(self) -> T:
        """The answer; raises what asking raised, to each an exception of its own."""
        seen = self._answers
        async with self._lock:
            if self._answers == seen:
                await self._refetch()
            if self._refusal is not None:
                aborted = self._refusal
                raise type(aborted)(aborted.cause, aborted.message, hint=aborted.hint)
            return self._result  # type: ignore[return-value]

    async def _refetch(self) -> None:
        self._result = self._refusal = None
        try:
            self._result = await self._request()
        except CheckAborted as aborted:
            self._refusal = aborted
        self._answers += 1


class Backend:
    """The application's backend as a browser uses it; one object for all checks.

    ``url`` is its base address. With ``jwt_secret`` tokens are minted, each good for
    ``jwt_expiration`` seconds; without, the backend issues them. ``origin`` is that of the
    application's page, which has to get what is asked for; None is not known.
    """

    def __init__(
        self,
        url: SecretStr,
        *,
        jwt_secret: SecretStr | None,
        jwt_expiration: float,
        ca_file: Path | None,
        clock: Callable[[], float],
        now: Callable[[], float],
        device_id: str | None = None,
        origin: str | None = None,
    ) -> None:
        self._url, self._origin = url, origin
        self.minted = jwt_secret is not None
        self.ca_file = ca_file
        # Fresh in each process: two devices that were matched lately are not matched again.
        self.device_id = device_id or f"probe-{secrets.token_hex(8)}"
        self.issue: Issue | None = None
        self._secret = jwt_secret
        self._expiration = jwt_expiration
        self._clock, self._now = clock, now
        self._refusal: tuple[float, CheckAborted | None] = (0.0, None)
        self._kept: _CachedCredentials | None = None
        # Until when it need not be asked whether users get tokens; None: none was issued yet.
        self._issues_until: float | None = None
        self._tokens = _SingleFlight(self._new_token)
        self._credentials = _SingleFlight(self._new_credentials)

    async def token(self, record: Recorder | None = None) -> SecretStr:
        """A token that the backend should accept, for phase ``token`` of the record.

        Raises NotMeasured(rate_limited), CheckFailed(auth_rejected, http_status,
        body_invalid or a cause of the network).
        """
        with record.phase("token") if record else nullcontext():
            kept = self._kept
            if kept is not None and self._clock() < kept.until:
                return kept.value
            return await self._tokens.get()

    def forget_token(self, token: SecretStr | None = None) -> None:
        """Drop the kept token, for it was refused; another than the given one stays."""
        if token is None or (self._kept is not None and self._kept.value == token):
            self._kept = None

    async def issue_token(self, *, by_page: bool = False) -> SecretStr:
        """A token of ``POST /auth/token``, whether or not tokens are signed here; not kept.

        ``by_page``: besides, the application's page has to get it (cors_rejected).
        """
        device = {"deviceId": self.device_id}
        async with self._posted(TOKEN_PATH, device, by_page=by_page) as answer:
            return read_token(answer, self._now())[0]

    async def check_issuing(self, record: Recorder, time_left: float) -> float | None:
        """Where tokens are minted: whether users get one of the backend, for phase ``token``.

        Asked once in the lifetime of a token, and again after a failure. ``time_left`` is what
        the run has until its deadline, in seconds. Returns the seconds it
        took; None where it isn't due, the limit on requests is used up, or nothing shows that
        this backend issues tokens there: it has issued none and does not refuse either. Raises
        like token().
        """
        asked_at = self._clock()
        if not self.minted or asked_at < (self._issues_until or 0.0):
            return None
        with record.phase("token", hint=_NO_TOKEN_HINT):
            try:
                async with asyncio.timeout(self._ask_seconds(time_left)):
                    await self.issue_token(by_page=True)
            except (NotMeasured, TimeoutError):
                return None
            except CheckFailed as aborted:
                if self._issues_until is None and not _shows_issuing(aborted.http_status):
                    return None
                if aborted.cause is not Cause.CORS_REJECTED:
                    aborted.hint = _NO_TOKEN_HINT
                raise
        self._issues_until = asked_at + self._expiration
        return self._clock() - asked_at

    def _ask_seconds(self, time_left: float) -> float | None:
        """How long a token is waited for; None: as long as the run has."""
        return min(_FIRST_ASK_SECONDS, time_left / 2) if self._issues_until is None else None

    async def post_with_token(
        self, path: str, token: SecretStr, *, by_page: bool = False
    ) -> object:
        """The JSON of a POST with this token. ``by_page`` as for issue_token. Raises like it."""
        async with self._posted(path, {}, _bearer(token), by_page=by_page) as answer:
            return answer

    async def issued_credentials(self, record: Recorder | None = None) -> IssuedCredentials:
        """The TURN servers and credentials that a browser gets, asked for anew.

        Checks that ask at the same time share one answer. The phases are ``token`` and
        ``credentials``; besides token()'s causes: credentials_missing where no server is
        named, credentials_expired for a user name whose time is over.
        """
        await self.token(record)
        with record.phase("credentials") if record else nullcontext():
            return await self._credentials.get()

    async def _new_token(self) -> SecretStr:
        sent_at = self._clock()
        if self._secret is not None:
            token, lifetime = mint(self._secret, self.device_id, self._now(), self._expiration)
        else:
            async with self._posted(TOKEN_PATH, {"deviceId": self.device_id}) as answer:
                token, lifetime = read_token(answer, self._now())
            self.issue = Issue(sent_at, self._clock() - sent_at)
        # Counted from before it was asked for, by our clock alone: the two may differ.
        until = sent_at + lifetime - min(RENEWAL_SECONDS, lifetime / 10)
        self._kept = _CachedCredentials(token, until)
        return token

    async def _new_credentials(self) -> IssuedCredentials:
        token = await self.token()
        try:
            async with self._posted(RELAYS_PATH, {}, _bearer(token)) as answer:
                return read_credentials(answer, self._now())
        except CheckFailed as aborted:
            if aborted.cause is not Cause.AUTH_REJECTED:
                raise
            self.forget_token(token)
            raise await self._confirmed(aborted) from None

    async def _confirmed(self, refusal: CheckFailed) -> CheckAborted:
        """What the refusal means; checks that meet it within seconds ask about it once."""
        at, found = self._refusal
        if found is None or self._clock() - at > CONFIRMED_SECONDS:
            found = await confirm_refusal(self, refusal)
            self._refusal = (self._clock(), found)
        return type(found)(found.cause, found.message, phase=found.phase, hint=found.hint)

    @asynccontextmanager
    async def _posted(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        by_page: bool = True,
    ) -> AsyncIterator[object]:
        """The JSON of a POST. Where the block finds in it what it needs, it is held against what
        the application's page may read, unless it isn't asked ``by_page``."""
        from yarl import URL

        from probe.net.http import fresh_client
        from probe.paircam.page_post import PagePost

        base = self._url.get_secret_value()
        url, host = URL(base + path), show_host(base)
        if headers:
            # An Authorization header and user info in the address exclude each other.
            url = url.with_user(None)
        origin = self._origin if by_page else None
        try:
            async with fresh_client(ca_file=self.ca_file, clock=self._clock, host=host) as browser:
                post = PagePost(browser, url, headers or {}, origin)
                yield parse(await post.send(body), path)
                await post.check_readable()
        except CheckAborted as aborted:
            aborted.phase = None  # all of it is one phase of the caller
            raise


def backend_from(
    context: Context,
    *,
    url: SecretStr,
    jwt_secret: SecretStr | None = None,
    jwt_expiration: float = DEFAULT_EXPIRATION,
    ca_file: Path | None = None,
    origin: str | None = None,
) -> Backend:
    """The process's one Backend for this address and secret, and pages of this origin."""
    secret = jwt_secret.get_secret_value() if jwt_secret is not None else None
    return context.get_or_create(
        ("backend", url.get_secret_value(), secret, jwt_expiration, ca_file, origin),
        lambda: Backend(
            url,
            jwt_secret=jwt_secret,
            jwt_expiration=jwt_expiration,
            ca_file=ca_file,
            clock=context.clock,
            now=context.now,
            origin=origin,
        ),
    )
