"""A refused token is the backend's fault only where the backend refuses its own as well."""

import asyncio
import time

import pytest
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.paircam.confirmation import confirm_refusal, explain_refusal

REFUSED, LIMITED, GONE = Cause.AUTH_REJECTED, Cause.RATE_LIMITED, Cause.CONNECT_REFUSED


class Answers:
    """The backend's HTTP API: which tokens it takes, or which cause each question meets."""

    def __init__(
        self, ours: Cause | None, issued: Cause | None, issuing: Cause | None, minted: bool = True
    ) -> None:
        self.minted = minted
        self._ours, self._issued, self._issuing = ours, issued, issuing
        self.asked: list[str] = []

    async def issue_token(self) -> SecretStr:
        self.asked.append("token")
        _raise(self._issuing)
        return SecretStr("issued")

    async def post_with_token(self, path: str, token: SecretStr) -> object:
        self.asked.append(path)
        _raise(self._issued if token.get_secret_value() == "issued" else self._ours)
        return {}


def _raise(cause: Cause | None) -> None:
    if cause is Cause.RATE_LIMITED:
        raise NotMeasured(cause, "later")
    if cause is not None:
        raise CheckFailed(cause, "no")


async def explained(backend: Answers, cause: Cause = Cause.AUTH_REJECTED) -> CheckAborted:
    return await explain_refusal(backend, SecretStr("ours"), CheckFailed(cause, "it refuses"))


@pytest.mark.parametrize(
    ("ours", "issued", "issuing", "cause"),
    [
        (REFUSED, None, None, Cause.OWN_CREDENTIALS),
        (REFUSED, REFUSED, None, Cause.AUTH_REJECTED),
        (REFUSED, LIMITED, None, Cause.AUTH_REJECTED),
        (REFUSED, None, LIMITED, Cause.AUTH_REJECTED),
        (REFUSED, None, GONE, Cause.AUTH_REJECTED),
        (None, None, None, Cause.SESSION_REFUSED),
        (GONE, None, GONE, Cause.AUTH_REJECTED),
    ],
)
async def test_the_backend_decides_whose_secret_is_wrong(
    ours: Cause | None, issued: Cause | None, issuing: Cause | None, cause: Cause
) -> None:
    stop = await explained(Answers(ours, issued, issuing))
    assert stop.cause is cause
    assert isinstance(stop, NotMeasured if cause is Cause.OWN_CREDENTIALS else CheckFailed)
    assert "JWT_SECRET" in stop.hint or cause is Cause.SESSION_REFUSED


@pytest.mark.parametrize("cause", [Cause.PROTOCOL_ERROR, Cause.SESSION_REFUSED])
async def test_words_become_a_matter_of_the_token_by_a_401_alone(cause: Cause) -> None:
    assert (await explained(Answers(None, None, None), cause)).cause is cause
    assert (await explained(Answers(GONE, None, None), cause)).cause is cause
    assert (await explained(Answers(REFUSED, REFUSED, None), cause)).cause is Cause.AUTH_REJECTED


async def test_a_backend_that_refuses_what_it_issued_is_not_asked_again() -> None:
    backend = Answers(REFUSED, REFUSED, None, minted=False)
    stop = await confirm_refusal(backend, CheckFailed(Cause.AUTH_REJECTED, "no"))
    assert (stop.cause, backend.asked) == (Cause.AUTH_REJECTED, [])
    assert "machines" in stop.hint


async def test_other_failures_are_left_alone() -> None:
    backend = Answers(None, None, None)
    stop = await confirm_refusal(backend, CheckFailed(Cause.HTTP_STATUS, "500"))
    assert (stop.cause, backend.asked) == (Cause.HTTP_STATUS, [])


async def test_a_backend_that_hangs_holds_up_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    from probe.paircam import confirmation

    class Hanging(Answers):
        async def post_with_token(self, path: str, token: SecretStr) -> object:
            await asyncio.Event().wait()
            return {}

    monkeypatch.setattr(confirmation, "ANSWER_SECONDS", 0.01)
    began = time.monotonic()
    stop = await explained(Hanging(None, None, None))
    assert stop.cause is Cause.AUTH_REJECTED
    assert time.monotonic() - began < 5
