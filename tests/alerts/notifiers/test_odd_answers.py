"""A message counts as accepted only where the service itself says so, in whatever time it takes."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from pydantic import SecretStr

from alerts.model import NotifyError
from alerts.notifiers import alertmanager, base, slack
from probe.lab.certificates import untrusted
from probe.net.fetch.failure import reason_of
from tests.alerts.samples import sample_message
from tests.alerts.words import RESOLVED, a_message
from tests.servers.receivers.slack import SlackApi, SlackWebhookService
from tests.servers.services import Failure, Service


@pytest.mark.parametrize(
    "page",
    [
        "<html><body>Sign in</body></html>",
        "\ufeff\r\n <!DOCTYPE html>",
        "<?xml version='1.0'?><r/>",
    ],
)
async def test_a_page_that_answers_for_an_alertmanager_has_taken_nothing(page: str) -> None:
    async with Service() as service:
        service.fail.extend([Failure(200, page), Failure(200, page)])
        with pytest.raises(NotifyError, match="no Alertmanager") as caught:
            await alertmanager.Alertmanager([service.url]).send(sample_message(), {})
    assert not caught.value.permanent


@pytest.mark.parametrize("answer", ["", "{}", '""', "ok"])
async def test_whatever_else_an_alertmanager_says_with_200_is_its_yes(answer: str) -> None:
    async with Service() as service:
        service.fail.extend([Failure(200, answer), Failure(200, answer)])
        memory = await alertmanager.Alertmanager([service.url]).send(sample_message(), {})
    assert alertmanager.FIRING in memory


@pytest.mark.parametrize(
    "answer",
    [
        {"ok": False, "error": {"code": 7}},
        {"ok": False, "error": ""},
        {"ok": False, "error": None},
        {"ok": False, "error": "Your request was blocked by policy 17."},
        {"ok": "true"},
        {},
        [1],
        None,
    ],
)
async def test_what_is_no_error_of_slack_s_is_tried_again(answer: object) -> None:
    async with SlackApi("t0ken") as service:
        service.fail.append(Failure(200, json.dumps(answer)))
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        with pytest.raises(NotifyError) as caught:
            await bot.send(sample_message(), {})
    assert not caught.value.permanent
    assert "not Slack's" in caught.value.reason or "policy" in json.dumps(answer)


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
async def test_a_message_with_refused_blocks_is_sent_as_text(word: str) -> None:
    async with SlackApi("t0ken") as service:
        service.fail.append(Failure(200, json.dumps({"ok": False, "error": word})))
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        assert "ts" in await bot.send(sample_message(), {})
    async with SlackWebhookService() as hook:
        hook.fail.append(Failure(400, word))
        await slack.SlackWebhook(SecretStr(f"{hook.url}/services/T0/B0/x")).send(
            sample_message(), {}
        )
        sent = json.loads(hook.seen[-1])
        assert "blocks" not in sent
        assert "CRITICAL" in sent["text"]


@pytest.mark.parametrize("word", ["thread_not_found", "thread_locked", "message_not_found"])
async def test_an_end_that_a_thread_does_not_take_is_said_in_the_channel(word: str) -> None:
    async with SlackApi("t0ken") as service:
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        memory = await bot.send(sample_message(), {})
        service.fail.extend([None, Failure(200, json.dumps({"ok": False, "error": word}))])
        await bot.send(a_message(RESOLVED), memory)
        assert len(service.messages) == 2
        assert not service.replies
        assert all("RESOLVED" in each["text"] for each in service.messages.values())


@pytest.mark.parametrize("word", ["is_archived", "channel_not_found", "restricted_action"])
async def test_what_keeps_a_bot_out_of_its_channel_is_refused(word: str) -> None:
    async with SlackApi("t0ken") as service:
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        memory = await bot.send(sample_message(), {})
        service.fail.extend([None, Failure(200, json.dumps({"ok": False, "error": word}))])
        with pytest.raises(NotifyError, match=word) as caught:
            await bot.send(a_message(RESOLVED), memory)
        assert caught.value.permanent


def test_a_service_that_has_taken_the_request_may_need_half_a_minute() -> None:
    assert base.TIMEOUT_SECONDS > 30.0 > base.CONNECT_SECONDS


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Failure(absent=True), "the connection was closed without a whole answer"),
        (None, "connection refused"),
    ],
)
async def test_why_a_receiver_is_not_reached_is_said_in_words(
    failure: Failure | None, reason: str
) -> None:
    async with Service() as service:
        url = service.url
        service.fail.append(failure)
        if failure is not None:
            with pytest.raises(NotifyError, match=reason):
                await base.post(f"{url}/s3cret", json={})
    if failure is None:
        with pytest.raises(NotifyError, match=reason) as caught:
            await base.post(f"{url}/s3cret", json={})
        assert "s3cret" not in caught.value.reason


async def test_a_receiver_with_an_untrusted_certificate_is_reported() -> None:
    server = await asyncio.start_server(
        lambda reader, writer: None, "127.0.0.1", 0, ssl=untrusted(["127.0.0.1"])
    )
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/s3cret"
        with pytest.raises(NotifyError, match="the certificate is not accepted: "):
            await base.post(url, json={})
        with pytest.raises(NotifyError, match="the certificate is not accepted: ") as caught:
            await slack.SlackWebhook(SecretStr(url)).send(sample_message(), {})
    assert "s3cret" not in caught.value.reason


def test_a_name_that_is_gone_is_called_that() -> None:
    key = ConnectionKey("gone.example", 443, True, True, None, None, None)
    error = aiohttp.ClientConnectorDNSError(key, OSError(-2, "Name or service not known"))
    assert reason_of(error) == "the name can't be resolved"


@pytest.mark.parametrize(
    ("until", "date", "seconds"),
    [
        # By the receiver's clock, which is years away from this one.
        ("Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wednesday, 21-Oct-15 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:30 -0000", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "yesterday", 0.0),
        ("Wed, 99 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("", "Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_a_date_until_which_to_wait_is_by_the_clock_of_who_says_it(
    until: str, date: str, seconds: float | None
) -> None:
    assert base.HttpAnswer(429, {"retry-after": until, "date": date}, "").retry_after == seconds


def test_a_date_of_a_receiver_that_does_not_say_the_time_is_by_the_clock_here() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    found = base.HttpAnswer(503, {"retry-after": until}, "").retry_after
    assert found is not None
    assert 3000.0 < found <= 3600.0
