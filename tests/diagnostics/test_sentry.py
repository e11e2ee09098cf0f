"""Our errors reach Sentry: which, without secrets, and without touching the targets."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.diagnostics import sentry as errors
from probe.diagnostics.logging_setup import event
from probe.diagnostics.redact import Redactor
from tests.clocks import Clock
from tests.diagnostics.test_redact import CARRIERS, SECRETS, forms
from tests.servers.pages import Pages, answers
from tests.servers.providers.sentry import Sentry, sdk_apart

logger = logging.getLogger("probe.test_errors")


@pytest.fixture(autouse=True)
def _sdk_apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # test_sentry_delivery holds how long it may take; a busy machine needs longer for dozens.
    monkeypatch.setattr(errors, "_CLOSE_SECONDS", 30.0)
    with sdk_apart():
        yield


def start(sentry: Sentry, **options: Any) -> None:
    """Report to this server."""
    assert errors.start(
        sentry.dsn,
        release="0.1.0",
        environment="test",
        region="lax",
        redactor=Redactor(SECRETS.values()),
        **options,
    )


async def test_an_error_of_ours_is_an_event() -> None:
    async with Sentry() as sentry:
        start(sentry)
        event(logger, logging.ERROR, "checks are overdue", checks=["health"])
        await errors.close()
        (found,) = sentry.of("event")
    assert found["logentry"]["formatted"] == "checks are overdue"
    assert found["extra"]["fields"] == {"checks": ["health"]}
    assert (found["logger"], found["level"]) == ("probe.test_errors", "error")
    assert (found["release"], found["environment"]) == ("0.1.0", "test")
    assert (found["server_name"], found["tags"]) == ("lax", {"region": "lax"})


async def test_an_event_says_where_but_not_who_or_how(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["probe", "--an-argument"])
    async with Sentry() as sentry:
        start(sentry)
        event(logger, logging.WARNING, "before")
        try:
            local = "value-of-a-local"
            raise RuntimeError(len(local))
        except RuntimeError:
            logger.exception("broken")
        await errors.close()
        (found,) = sentry.of("event")
        (body,) = sentry.bodies
    frame = found["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["function"] == "test_an_event_says_where_but_not_who_or_how"
    assert "vars" not in frame
    assert not {"modules", "request", "user"} & set(found)
    assert found["breadcrumbs"]["values"] == []
    assert b"argument" not in body.replace(b'["probe", "--an-argument"]', b"")


class _Reason(Exception):
    """Carries a secret in its text, arguments and attributes."""

    def __init__(self, secret: str) -> None:
        super().__init__(f"reason {secret}", {"password": secret})
        self.secret = secret


def _raise(secret: str) -> None:
    try:
        raise ValueError(f"inner {secret}")
    except ValueError as error:
        error.add_note(secret)
        raise ExceptionGroup(f"group {secret}", [_Reason(secret), KeyError(secret)]) from error


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS.keys())
async def test_no_secret_is_in_what_sentry_gets(carrier: Callable[[str], str]) -> None:
    import sentry_sdk

    clock = Clock()
    async with Sentry() as sentry:
        start(sentry, clock=clock)
        for name, secret in SECRETS.items():
            carried = carrier(secret)
            clock.pass_(3600)
            with sentry_sdk.isolation_scope() as scope:
                scope.set_tag("tag", carried)
                scope.set_extra("extra", {"deep": [{"er": carried}]})
                scope.set_context("context", {"password": secret, "text": carried})
                scope.set_user({"id": carried})
                scope.add_breadcrumb(message=carried, data={"a": carried})
                logger.error("%s: %s %r", name, carried, {"a": carried})
                event(logger, logging.ERROR, carried, a=carried, token=secret, o=_Reason(carried))
                try:
                    _raise(carried)
                except ExceptionGroup:
                    logger.exception(carried, stack_info=True)
            errors.check_in(carried, ok=False, every_minutes=1)
        await errors.close()
        written = b"\n".join(sentry.bodies).decode()
        events = sentry.of("event")
    assert len(events) == 3 * len(SECRETS)
    assert len(sentry.of("check_in")) == len(SECRETS)
    for secret in SECRETS.values():
        for form in forms(secret):
            assert form not in written
            assert form not in str(events)


async def test_what_is_wrong_with_a_target_is_no_error_of_ours() -> None:
    async with Sentry() as sentry:
        start(sentry)
        event(logger, logging.ERROR, "health is critical", target="https://example.org")
        logging.getLogger("aioice").error("theirs")
        logger.warning("a warning")
        try:
            raise CheckFailed(Cause.CONNECT_REFUSED, "refused")
        except CheckFailed:
            logger.exception("refused")
        logger.error("ours")
        await errors.close()
        assert [each["logentry"]["formatted"] for each in sentry.of("event")] == ["ours"]


async def test_a_task_whose_exception_no_one_has_awaited_is_an_error() -> None:
    """One that somebody awaits is none: to be refused is a monitor's daily bread."""
    async with Sentry() as sentry:
        start(sentry)
        task = asyncio.create_task(_through_our_code())
        with pytest.raises(ValueError, match="not a web address"):
            await task
        task = asyncio.create_task(_through_our_code())
        await asyncio.wait([task])
        del task
        task = asyncio.create_task(_not_through_our_code())
        await asyncio.wait([task])
        del task
        await errors.close()
        (found,) = sentry.of("event")
    assert found["exception"]["values"][-1]["type"] == "ValueError"
    assert found["logger"] == "asyncio"


async def _through_our_code() -> None:
    errors.check_dsn("nonsense")


async def _not_through_our_code() -> None:
    raise RuntimeError("theirs")


async def test_the_same_error_is_sent_once_a_minute() -> None:
    clock = Clock()
    async with Sentry() as sentry:
        start(sentry, clock=clock)
        for second in range(150):
            clock.pass_(1)
            logger.error("turn %s is broken", second)
        await errors.close()
        assert len(sentry.of("event")) == 3


async def test_one_exception_in_two_loggers_is_one_error() -> None:
    async with Sentry() as sentry:
        start(sentry)
        for name in ("probe.a", "alerts.b"):
            try:
                _fails()
            except RuntimeError as error:
                logging.getLogger(name).error(f"broken by {name}", exc_info=error)
        await errors.close()
        assert len(sentry.of("event")) == 1


def _fails() -> None:
    raise RuntimeError("x")


async def test_all_errors_together_are_sent_twenty_times_an_hour() -> None:
    clock = Clock()
    async with Sentry() as sentry:
        start(sentry, clock=clock)
        for hour in range(2):
            for number in range(50):
                logger.error("error %s", chr(65 + number))
                errors.check_in("paircam-probe", ok=True, every_minutes=1)
            await sentry.asked(70 * (hour + 1))
            clock.pass_(3600)
        await errors.close()
        assert len(sentry.of("event")) == 40
        assert len(sentry.of("check_in")) == 100


async def test_a_check_in_makes_its_monitor() -> None:
    async with Sentry() as sentry:
        start(sentry)
        errors.check_in("Paircam probe/lax", ok=True, every_minutes=2)
        errors.check_in("paircam-probe-lax", ok=False, every_minutes=2)
        await errors.close()
        first, second = sentry.of("check_in")
    assert (first["monitor_slug"], first["status"]) == ("paircam-probe-lax", "ok")
    assert (second["monitor_slug"], second["status"]) == ("paircam-probe-lax", "error")
    assert first["monitor_config"] == {
        "schedule": {"type": "interval", "value": 2, "unit": "minute"},
        "checkin_margin": 2,
        "max_runtime": 2,
        "failure_issue_threshold": 3,
        "recovery_threshold": 1,
    }


async def test_a_request_to_a_target_carries_no_header_of_sentrys() -> None:
    async with Sentry() as sentry, Pages(answers(200)) as pages:
        start(sentry)
        async with aiohttp.ClientSession() as session, session.get(pages.url) as response:
            assert response.status == 200
        await asyncio.to_thread(_get_by_stdlib, pages.port)
        await errors.close()
    assert len(pages.heads) == 2
    for head in pages.heads:
        assert "sentry" not in head.lower()
        assert "baggage" not in head.lower()
    assert sentry.requests == 0


def _get_by_stdlib(port: int) -> None:
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
