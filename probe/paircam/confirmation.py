"""Whose secret is wrong: a refused token is held against one that the backend issues itself.

With ``JWT_SECRET`` the probe signs its own tokens. A backend that refuses them and accepts
one that it issued is right, and the probe's configuration is wrong: no outage.
"""

import asyncio
from typing import Protocol

from pydantic import SecretStr

from probe.core.causes import HINTS, Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured

# For each request: a refusal is confirmed within the deadline of the check that got it.
ANSWER_SECONDS = 2.0
SECRET_HINT = (
    "The backend accepts tokens that it issues and refuses those signed with JWT_SECRET: "
    "set the backend's own JWT_SECRET here, or unset it."
)
CLOCK_HINT = "Is JWT_SECRET the backend's own? Compare the clocks of both sides, too."
ISSUED_HINT = (
    "The backend refuses a token that it issued: do all its machines have the same JWT_SECRET?"
)


class TokenIssuer(Protocol):
    """The backend's HTTP API; ``minted``: tokens are signed here, with JWT_SECRET."""

    minted: bool

    async def issue_token(self) -> SecretStr:
        """A token of ``POST /auth/token``."""

    async def post_with_token(self, path: str, token: SecretStr) -> object:
        """The JSON of a POST with this token."""


async def explain_refusal(
    backend: TokenIssuer, token: SecretStr, refusal: CheckFailed
) -> CheckAborted:
    """What a session that was refused means, by what the backend's HTTP API says of the token.

    A 401 there is auth_rejected, and then ``confirm_refusal`` decides whose secret is wrong.
    With a 2xx the token is accepted: what would be auth_rejected is session_refused. Without
    such an answer the cause stays. Never raises CheckAborted.
    """
    accepted = await _is_accepted(backend, token)
    if accepted is True and refusal.cause is Cause.AUTH_REJECTED:
        cause, hint = Cause.SESSION_REFUSED, HINTS[Cause.SESSION_REFUSED]
        return CheckFailed(cause, refusal.message, phase=refusal.phase, hint=hint)
    if accepted is False:
        refusal.cause = Cause.AUTH_REJECTED
    return await confirm_refusal(backend, refusal)


async def confirm_refusal(backend: TokenIssuer, refusal: CheckFailed) -> CheckAborted:
    """What a refused token means: the refusal itself, or NotMeasured(own_credentials).

    One ``POST /auth/token`` and one ``POST /turn/credentials``, only where the refused token
    was signed here. Where neither request gets an answer, the refusal is kept. Never
    raises CheckAborted.
    """
    if refusal.cause is not Cause.AUTH_REJECTED:
        return refusal
    if not backend.minted:
        refusal.hint = ISSUED_HINT
        return refusal
    refusal.hint = CLOCK_HINT
    if not await accepts_issued_token(backend):
        return refusal
    message = f"{refusal.message}; the backend accepts a token that it issued itself"
    return NotMeasured(Cause.OWN_CREDENTIALS, message, phase=refusal.phase, hint=SECRET_HINT)


async def accepts_issued_token(backend: TokenIssuer) -> bool | None:
    """Whether the backend accepts a token of ``POST /auth/token``; None: no answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            token = await backend.issue_token()
    except (CheckAborted, TimeoutError):
        return None
    return await _is_accepted(backend, token)


async def _is_accepted(backend: TokenIssuer, token: SecretStr) -> bool | None:
    """Whether ``POST /turn/credentials`` takes the token; None where it says neither."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await backend.post_with_token("/turn/credentials", token)
    except CheckFailed as aborted:
        return False if aborted.cause is Cause.AUTH_REJECTED else None
    except (NotMeasured, TimeoutError):
        return None
    return True
