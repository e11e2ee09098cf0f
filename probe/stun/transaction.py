"""STUN transactions (RFC 8489 section 6.2) that end with an answer or with whoever waits.

Unlike aioice's they have no end of their own: the check's deadline is the only one.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from aioice.stun import Class, Message

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed

# After so many sends an answer that is there and can't be used is the finding, not silence.
_PATIENT_SENDS = 2
_MAY_BE_UNSIGNED = (401, 438)
_NOT_TURN = "what comes back is no TURN"


@dataclass(frozen=True, slots=True)
class RetransmissionTimers:
    """When a request that is not answered leaves again: after ``first`` seconds, then after
    twice as many each time, ``longest`` at most; ``sends`` times in all."""

    first: float
    longest: float
    sends: int

    def pause(self, sends: int) -> float | None:
        """Seconds until the next time, once it was sent so often; None for never."""
        return min(self.first * 2 ** (sends - 1), self.longest) if sends < self.sends else None


RFC_8489 = RetransmissionTimers(first=0.5, longest=math.inf, sends=7)
"""Section 6.2.1."""
LIBWEBRTC = RetransmissionTimers(first=0.25, longest=8.0, sends=9)
"""As seen of Chromium on a path that loses everything."""


@dataclass
class _Pending:
    request: Message
    key: bytes | None
    answer: "asyncio.Future[Message]"
    sends: int = 0
    timer: asyncio.TimerHandle | None = None
    bad_answer: str = ""


class Transactions:
    """The requests under way on one wire. ``send`` puts a message on it."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        reliable: bool,
        timers: RetransmissionTimers = RFC_8489,
    ) -> None:
        self.retransmissions = 0
        self._send, self.reliable, self._timers = send, reliable, timers
        self._pending: dict[bytes, _Pending] = {}
        self._failure: CheckAborted | None = None

    async def run(self, request: Message, key: bytes | None) -> Message:
        """Send a request until its answer comes, and return it, success or error.

        With a ``key`` only answers count that are signed with it. Raises CheckFailed when
        the wire is lost, or when only answers come that can't be used.
        """
        if self._failure is not None:
            raise self._failure
        pending = _Pending(request, key, asyncio.get_running_loop().create_future())
        self._pending[request.transaction_id] = pending
        try:
            self._transmit(pending)
            return await pending.answer
        finally:
            del self._pending[request.transaction_id]
            if pending.timer is not None:
                pending.timer.cancel()

    def received(self, message: Message) -> None:
        """Take an answer; what belongs to no request is ignored."""
        pending = self._pending.get(message.transaction_id)
        if pending is None or message.message_class not in (Class.RESPONSE, Class.ERROR):
            return
        problem = _problem_of(message, pending)
        if problem:
            self._refuse(pending, problem)
        elif not pending.answer.done():
            pending.answer.set_result(message)

    def unparsable_received(self) -> None:
        """Something came that is no message."""
        for pending in self._pending.values():
            pending.bad_answer = pending.bad_answer or _NOT_TURN

    def fail(self, failure: CheckAborted) -> None:
        """End all requests, and every later one."""
        self._failure = self._failure or failure
        for pending in self._pending.values():
            _fail(pending, failure)

    def _refuse(self, pending: _Pending, problem: str) -> None:
        """RFC 8489 section 9.2.5: discarded on UDP, the end of the request on a stream."""
        pending.bad_answer = problem
        if self.reliable:
            _fail(pending, CheckFailed(Cause.PROTOCOL_ERROR, problem))

    def _transmit(self, pending: _Pending) -> None:
        if pending.answer.done():
            return
        if pending.bad_answer and pending.sends >= _PATIENT_SENDS:
            _fail(pending, CheckFailed(Cause.PROTOCOL_ERROR, pending.bad_answer))
            return
        self.retransmissions += pending.sends > 0
        pending.sends += 1
        pause = None if self.reliable else self._timers.pause(pending.sends)
        if pause is not None:
            loop = asyncio.get_running_loop()
            pending.timer = loop.call_later(pause, self._transmit, pending)
        self._send(bytes(pending.request))


def _fail(pending: _Pending, failure: CheckAborted) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(failure)


def _problem_of(message: Message, pending: _Pending) -> str:
    """Why the answer can't be used; empty if it can."""
    if message.message_method != pending.request.message_method:
        return _NOT_TURN
    code = message.error_code
    if message.message_class == Class.ERROR and code is None:
        return "an error came without its code"
    # A server that does not know us can't sign (RFC 8489 section 9.2.5).
    if pending.key is None or code in _MAY_BE_UNSIGNED:
        return ""
    if message.check_message_integrity(pending.key):
        return ""
    answer = f"the answer {code}" if code else "the answer"
    return f"{answer} is not signed with our password"
