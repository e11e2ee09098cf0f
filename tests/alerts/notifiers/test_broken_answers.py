"""An answer that breaks off, or does not end: its status counts, and no more of it is kept than a
service has to say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from alerts.model import NotifyError
from alerts.notifier import Notifier
from alerts.notifiers import alertmanager, base, pagerduty, slack, webhook
from tests.alerts.samples import sample_message

SECRET = SecretStr("s3cret")
HEADER = b"HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n"


class Receiver:
    """Reads a request, writes what it is given, and closes; or, where it ``hangs``, waits.
    An ``endless`` one repeats the last piece until the client stops reading."""

    def __init__(self, *pieces: bytes, hangs: bool = False, endless: bool = False) -> None:
        self._pieces, self._hangs, self._endless = pieces, hangs, endless
        self.requests = self.written = 0
        self.url = ""
        self._answers: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Receiver"]:
        """On a port of its own."""

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._answers.append(asyncio.create_task(self._answer(reader, writer)))

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self
        await asyncio.gather(*self._answers)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"content-length: " in head.lower():
                length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
            self.requests += 1
            for piece in self._pieces:
                await self._write(writer, piece)
            while self._endless:
                await self._write(writer, self._pieces[-1])
            if self._hangs:
                await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        await writer.drain()
        self.written += len(piece)


def _chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


# Whose status alone says that they have accepted a message.
BY_STATUS: dict[str, Callable[[str], Notifier]] = {
    "pagerduty": lambda url: pagerduty.PagerDuty(SECRET, SecretStr(url)),
    "webhook": lambda url: webhook.Webhook(SecretStr(url), SECRET),
    "alertmanager": lambda url: alertmanager.Alertmanager([url]),
}
SLACK: dict[str, Callable[[str], Notifier]] = {
    "webhook": lambda url: slack.SlackWebhook(SecretStr(f"{url}/services/T0/B0/x")),
    "bot": lambda url: slack.SlackBot(SECRET, "C0", SecretStr(url)),
}
ACCEPTED = {"pagerduty": 202, "webhook": 202, "alertmanager": 200}
BROKEN = [
    b'Content-Length: 500\r\n\r\n{"st',
    b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"st\r\n',
    b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
]


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize(("name", "status"), [*ACCEPTED.items()])
async def test_an_answer_that_breaks_off_has_accepted_the_message(
    name: str, status: int, answer: bytes
) -> None:
    async with Receiver(HEADER % status + answer).serve() as receiver:
        await BY_STATUS[name](receiver.url).send(sample_message(), {})
    assert receiver.requests == (2 if name == "alertmanager" else 1)


@pytest.mark.parametrize("status", [400, 500])
async def test_an_answer_that_breaks_off_is_refused_by_its_status(status: int) -> None:
    answer = HEADER % status + b"Content-Length: 500\r\n\r\n{"
    async with Receiver(answer).serve() as receiver:
        with pytest.raises(NotifyError, match=f"answers {status}") as caught:
            await BY_STATUS["webhook"](receiver.url).send(sample_message(), {})
    assert caught.value.permanent is (status == 400)


async def test_an_answer_whose_end_never_comes_has_accepted_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "TIMEOUT_SECONDS", 1.0)
    answer = HEADER % 200 + b"Content-Length: 500\r\n\r\n{"
    async with Receiver(answer, hangs=True).serve() as receiver:
        await BY_STATUS["webhook"](receiver.url).send(sample_message(), {})


async def test_a_connection_that_is_closed_before_the_status_has_accepted_nothing() -> None:
    async with Receiver(b"HTTP/1.1 20").serve() as receiver:
        with pytest.raises(NotifyError) as caught:
            await BY_STATUS["webhook"](receiver.url).send(sample_message(), {})
    assert not caught.value.permanent


@pytest.mark.parametrize("name", SLACK)
@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_for_slack_that_does_not_end_is_given_up(name: str, status: int) -> None:
    begin = HEADER % status + b"Transfer-Encoding: chunked\r\n\r\n"
    async with Receiver(begin, _chunk(b" " * 65536), endless=True).serve() as receiver:
        with pytest.raises(NotifyError, match="too much text") as caught:
            await SLACK[name](receiver.url).send(sample_message(), {})
    assert not caught.value.permanent
    # What was kept, and what both kernels hold of it.
    assert receiver.written < 16 << 20


@pytest.mark.parametrize("name", SLACK)
async def test_an_answer_of_slack_that_breaks_off_is_tried_again(name: str) -> None:
    answer = HEADER % 200 + b"Content-Length: 500\r\n\r\nok"
    async with Receiver(answer).serve() as receiver:
        with pytest.raises(NotifyError) as caught:
            await SLACK[name](receiver.url).send(sample_message(), {})
    assert not caught.value.permanent
