"""A message counts as accepted only where the service itself says so, in whatever time it takes."""

import json

import pytest
from pydantic import SecretStr

from alerts.model import NotifyError
from alerts.notifiers import alertmanager, base, slack
from tests.alerts.samples import told
from tests.servers.services import Failure, Service
from tests.servers.slack import SlackApi, SlackWebhookService


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
            await alertmanager.Alertmanager([service.url]).send(told(), {})
    assert not caught.value.permanent


@pytest.mark.parametrize("answer", ["", "{}", '""', "ok"])
async def test_whatever_else_an_alertmanager_says_with_200_is_its_yes(answer: str) -> None:
    async with Service() as service:
        service.fail.extend([Failure(200, answer), Failure(200, answer)])
        memory = await alertmanager.Alertmanager([service.url]).send(told(), {})
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
            await bot.send(told(), {})
    assert not caught.value.permanent
    assert "not Slack's" in caught.value.reason or "policy" in json.dumps(answer)


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
async def test_a_message_whose_blocks_slack_refuses_is_sent_as_text(word: str) -> None:
    async with SlackApi("t0ken") as service:
        service.fail.append(Failure(200, json.dumps({"ok": False, "error": word})))
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        assert "ts" in await bot.send(told(), {})
    async with SlackWebhookService() as hook:
        hook.fail.append(Failure(400, word))
        await slack.SlackWebhook(SecretStr(f"{hook.url}/services/T0/B0/x")).send(told(), {})
        sent = json.loads(hook.seen[-1])
        assert "blocks" not in sent
        assert "CRITICAL" in sent["text"]


def test_a_service_that_has_taken_the_request_may_need_half_a_minute() -> None:
    assert base.TIMEOUT_SECONDS > 30.0 > base.CONNECT_SECONDS
