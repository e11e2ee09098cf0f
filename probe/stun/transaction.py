"""STUN transactions (RFC 8489 section 6.2) that end with an answer or with their caller.

Unlike aioice's they have no end of their own: the check's deadline is the only one.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.stun.codec import MessageClass, StunMessage

# After so many sends an answer that is there and can't be used is the finding, not silence.
_SENDS_BEFORE_BACKOFF = 2
_NOT_TURN = "what comes back is not TURN"
_NOT_STUN = "the answer is not a valid STUN message"
_NO_CODE = "an error came without its code"
_UNSIGNED = "the success answer is not signed with our password"


class UnsignedAnswer(CheckFailed):
    """Only successes came that are not signed, which browsers ignore (RFC 8489 section 9.2.5)."""


class RetransmissionTimers(Struct, frozen=True):
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
    method: int
    packet: bytes
    key: bytes | None
    answer: "asyncio.Future[StunMessage]"
    sends: int = 0
    timer: asyncio.TimerHandle | None = None
    bad_answer: str = ""


class Transactions:
    """The requests under way on one transport. ``send`` puts a packet on it."""

    def __init__(
        self,
        send: Callable[[bytes], None],
        *,
        reliable: bool,
        timers: RetransmissionTimers = RFC_8489,
    ) -> None:
        self.retransmissions = 0
        self.answered = False
        self._send, self.reliable, self._timers = send, reliable, timers
        self._pending: dict[bytes, _Pending] = {}
        self._failure: CheckAborted | None = None

    async def run(self, request: StunMessage, key: bytes | None) -> StunMessage:
        """Send a request until its answer comes, and return it, success or error.

        With a ``key`` the request is signed, and a success has to be signed as well; an error
        counts as it is, as in browsers: many servers sign none. Raises CheckFailed when the
        transport is lost, or when only answers come that can't be used.
        """
        if self._failure is not None:
            raise self._failure
        packet = request.encode(key)
        answer: asyncio.Future[StunMessage] = asyncio.get_running_loop().create_future()
        pending = _Pending(request.method, packet, key, answer)
        self._pending[request.transaction_id] = pending
        try:
            self._transmit(pending)
            return await pending.answer
        finally:
            del self._pending[request.transaction_id]
            if pending.timer is not None:
                pending.timer.cancel()

    def received(self, message: StunMessage) -> bool:
        """Take an answer; False for what belongs to no request, which is ignored."""
        pending = self._pending.get(message.transaction_id)
        answers = (MessageClass.RESPONSE, MessageClass.ERROR)
        if pending is None or message.message_class not in answers:
            return False
        self.answered = True
        problem = _problem_of(message, pending)
        if message.unknown_required:
            # RFC 8489 section 6.3.3: discarded, and the transaction has failed.
            _fail(pending, CheckFailed(Cause.PROTOCOL_ERROR, _unknown(message)))
        elif problem == _NO_CODE:  # an end all the same, as in browsers
            _fail(pending, _unusable(problem))
        elif problem:
            self._refuse(pending, problem, is_readable=True)
        elif not pending.answer.done():
            pending.answer.set_result(message)
        return True

    def unparsable_received(self, transaction_id: bytes = b"") -> None:
        """Something came that is no valid message, though it may carry a transaction's id."""
        if transaction_id in self._pending:
            self._refuse(self._pending[transaction_id], _NOT_STUN)
            return
        for pending in self._pending.values():
            if self.answered:
                pending.bad_answer = pending.bad_answer or _NOT_TURN
            else:
                self._refuse(pending, _NOT_TURN)

    def fail(self, failure: CheckAborted) -> None:
        """End all requests, and every later one."""
        self._failure = self._failure or failure
        for pending in self._pending.values():
            _fail(pending, failure)

    def _refuse(self, pending: _Pending, problem: str, *, is_readable: bool = False) -> None:
        """RFC 8489 section 9.2.5: discarded. On a stream it ends the request; where it could be
        read the request is sent once more, as browsers send it, and ends with the second."""
        pending.bad_answer = problem
        is_last = not is_readable or pending.sends >= _SENDS_BEFORE_BACKOFF
        if self.reliable and is_last:
            _fail(pending, _unusable(problem))
        elif self.reliable and pending.timer is None:
            loop = asyncio.get_running_loop()
            pending.timer = loop.call_later(self._timers.first, self._transmit_again, pending)

    def _transmit_again(self, pending: _Pending) -> None:
        if pending.answer.done():
            return
        self.retransmissions += 1
        pending.sends += 1
        self._send(pending.packet)

    def _transmit(self, pending: _Pending) -> None:
        if pending.answer.done():
            return
        if pending.bad_answer and pending.sends >= _SENDS_BEFORE_BACKOFF:
            _fail(pending, _unusable(pending.bad_answer))
            return
        self.retransmissions += pending.sends > 0
        pending.sends += 1
        pause = None if self.reliable else self._timers.pause(pending.sends)
        if pause is not None:
            loop = asyncio.get_running_loop()
            pending.timer = loop.call_later(pause, self._transmit, pending)
        self._send(pending.packet)


def _fail(pending: _Pending, failure: CheckAborted) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(failure)


def _unusable(problem: str) -> CheckFailed:
    kind = UnsignedAnswer if problem == _UNSIGNED else CheckFailed
    return kind(Cause.PROTOCOL_ERROR, problem)


def _problem_of(message: StunMessage, pending: _Pending) -> str:
    """Why the answer can't be used; empty if it can."""
    if message.method != pending.method:
        return _NOT_TURN
    if message.message_class == MessageClass.ERROR:
        return "" if message.error_code else _NO_CODE
    if pending.key is None or message.is_signed_with(pending.key):
        return ""
    return _UNSIGNED


def _unknown(message: StunMessage) -> str:
    listed = ", ".join(f"0x{number:04x}" for number in message.unknown_required[:8])
    return f"the answer has unknown attributes that must be understood ({listed})"
