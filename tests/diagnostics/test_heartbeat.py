"""The dead man's switch hears from us, and nobody else learns its address."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from probe.diagnostics.heartbeat import Heartbeat
from tests.clocks import Clock
from tests.servers.pages import (
    Behaviour,
    Pages,
    answers,
    closed_port,
    hangs_after,
    in_turn,
    says,
)

PATH = "/ping/5a3f1c2e-0b7d-4e8a-9c6f-d1e2f3a4b5c6"
QUERY = "?key=verysecret"


def heartbeat(url: str, *, timeout: float = 10.0, now: Clock | None = None) -> Heartbeat:
    """One that repeats at once."""
    return Heartbeat(SecretStr(url + PATH + QUERY), timeout=timeout, pause=0, now=now or Clock(5))


async def test_a_beat_asks_for_the_address_once(leaks: None) -> None:
    async with Pages(answers(200)) as pages:
        heart = heartbeat(pages.url, now=Clock(1767225600))
        await heart.beat()
    assert pages.connections == 1
    assert pages.heads[0].startswith(f"GET {PATH}{QUERY} HTTP/1.1\r\n")
    assert (heart.last_success, heart.failures, heart.problem) == (1767225600, 0, "")


async def test_without_an_address_nothing_happens() -> None:
    for url in (None, "", SecretStr("")):
        heart = Heartbeat(url)
        await heart.beat()
        assert (heart.last_success, heart.failures, heart.problem) == (None, 0, "")


async def test_a_call_that_fails_is_repeated_once(leaks: None) -> None:
    async with Pages(in_turn(answers(503), answers(200))) as pages:
        heart = heartbeat(pages.url)
        await heart.beat()
    assert pages.connections == 2
    assert (heart.last_success, heart.failures, heart.problem) == (5, 0, "")


@pytest.mark.parametrize(
    ("behave", "problem"),
    [
        (answers(404), "answers 404"),
        (answers(500), "answers 500"),
        (answers(302, Location="/other"), "answers 302: redirects are not followed"),
        (says(b"garbage\r\n\r\n"), "does not speak HTTP"),
        (says(b""), "closed the connection"),
        (hangs_after(), "within 0.2 s"),
        (hangs_after(b"HTTP/1.1 "), "within 0.2 s"),
    ],
)
async def test_a_problem_names_the_host_alone(
    behave: Behaviour, problem: str, leaks: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with Pages(behave) as pages:
        heart = heartbeat(pages.url, timeout=0.2 if "within" in problem else 10)
        await heart.beat()
    assert pages.connections == 2
    assert f"127.0.0.1:{pages.port}" in heart.problem
    assert problem in heart.problem
    assert (heart.last_success, heart.failures) == (None, 1)
    for text in (heart.problem, caplog.text):
        assert "ping" not in text
        assert "verysecret" not in text


@pytest.mark.parametrize(
    "url",
    [
        "http://user:topsecret@127.0.0.1:PORT",
        "http://name.invalid",
        "http://256.1.1.1",
        "http://127.0.0.1:99999",
        "gopher://127.0.0.1",
        "nonsense",
    ],
)
async def test_whatever_the_address_a_beat_does_not_raise(url: str, leaks: None) -> None:
    heart = heartbeat(url.replace("PORT", str(closed_port())))
    await heart.beat()
    assert heart.failures == 1
    assert heart.problem
    for secret in ("ping", "verysecret", "topsecret"):
        assert secret not in heart.problem


async def test_the_secret_goes_nowhere_else() -> None:
    async with Pages(answers(200)) as other:
        location = {"Location": f"{other.url}{PATH}"}
        async with Pages(answers(301, **location)) as pages:
            await heartbeat(pages.url).beat()
    assert other.connections == 0


async def test_only_a_change_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    works, fails = answers(200), answers(500)
    async with Pages(in_turn(works, *[fails] * 4, works, works)) as pages:
        heart = heartbeat(pages.url)
        for _ in range(5):
            await heart.beat()
    levels = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in levels] == ["WARNING", "INFO"]
    assert "answers 500" in levels[0][1]
    assert heart.failures == 2
    assert heart.problem == ""


async def test_one_beat_at_a_time(leaks: None) -> None:
    asked, free = asyncio.Event(), asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await free.wait()
        await answers(200)(reader, writer)

    async with Pages(waits) as pages:
        heart = heartbeat(pages.url)
        first = asyncio.create_task(heart.beat())
        await asked.wait()
        await heart.beat()
        assert heart.last_success is None
        free.set()
        await first
        await heart.beat()
    assert pages.connections == 2


async def test_a_beat_that_is_cancelled_leaves_room_for_the_next(leaks: None) -> None:
    async with Pages(in_turn(hangs_after(), answers(200))) as pages:
        heart = heartbeat(pages.url)
        beat = asyncio.create_task(heart.beat())
        while not pages.heads:  # noqa: ASYNC110
            await asyncio.sleep(0)
        beat.cancel()
        await asyncio.wait([beat])
        await heart.beat()
    assert heart.last_success == 5
