"""Each receiver can be asked whether it would accept a notification, and nobody is notified."""

import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from alerts.notifier import Notifier
from alerts.notifiers.alertmanager import Alertmanager
from alerts.notifiers.pagerduty import PagerDuty
from alerts.notifiers.slack import SlackBot, SlackWebhook
from alerts.notifiers.verification import Verified, verify
from alerts.notifiers.webhook import Webhook
from alerts.settings import alerting_warnings, read_alerting
from probe.core.environment import Variables
from tests.command import probe

Answer = tuple[int, Any]


class Receivers:
    """Every service on one port; ``answers`` by path, ``asked`` are method, path and document."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """As it is told, 200 without."""
        body = await request.read()
        document = await request.json() if body and request.method == "POST" else None
        self.asked.append((request.method, request.path, document))
        status, content = self.answers.get(request.path, (200, "ok"))
        if isinstance(content, str):
            return web.Response(status=status, text=content)
        return web.json_response(content, status=status)


@pytest.fixture
async def receivers() -> AsyncIterator[Receivers]:
    made = Receivers()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def asked(notifier: Notifier) -> Verified:
    (found,) = await verify({notifier.name: notifier})
    return found


TEAM = {"ok": True, "user": "probe\x1b[2J", "team": "paircam"}


@pytest.mark.parametrize(
    ("answer", "accepts", "says"),
    [
        ((200, TEAM), True, "probe\\x1b[2J of paircam"),
        ((200, {"ok": False, "error": "invalid_auth"}), False, "invalid_auth"),
        ((200, {"ok": False, "error": "account_inactive"}), False, "account_inactive"),
        ((500, "oops"), False, "500"),
        ((200, "<html>"), False, "Slack"),
    ],
)
async def test_a_slack_bot_verifies_its_token(
    receivers: Receivers, answer: Answer, accepts: bool, says: str
) -> None:
    receivers.answers["/api/auth.test"] = answer
    found = await asked(SlackBot(SecretStr("xoxb-1"), "#ops", SecretStr(f"{receivers.url}/api")))
    assert (found.accepts, says in found.text) == (accepts, True), found
    assert {path for _, path, _ in receivers.asked} == {"/api/auth.test"}


@pytest.mark.parametrize(
    ("answer", "accepts"),
    [
        ((400, "no_text"), True),
        ((400, "invalid_payload"), True),
        ((403, "invalid_token"), False),
        ((404, "no_service"), False),
        ((410, "channel_is_archived"), False),
        ((200, "ok"), False),
    ],
)
async def test_a_slack_webhook_is_posted_no_text(
    receivers: Receivers, answer: Answer, accepts: bool
) -> None:
    receivers.answers["/services/T/B/x"] = answer
    found = await asked(SlackWebhook(SecretStr(f"{receivers.url}/services/T/B/x")))
    assert found.accepts is accepts, found
    assert receivers.asked == [("POST", "/services/T/B/x", {})]
    assert "/services" not in found.text


@pytest.mark.parametrize("status", [202, 400, 403, 503])
async def test_pagerduty_resolves_what_there_never_was(receivers: Receivers, status: int) -> None:
    receivers.answers["/v2/enqueue"] = (status, {"status": "?"})
    found = await asked(PagerDuty(SecretStr("k" * 32), SecretStr(f"{receivers.url}/v2/enqueue")))
    assert found.accepts is (status == 202), found
    ((_, _, document),) = receivers.asked
    assert document["event_action"] == "resolve"
    assert "k" * 32 not in found.text


@pytest.mark.parametrize(
    ("path", "answers", "accepts", "says"),
    [
        ("", {"/-/ready": (200, "OK")}, True, "ready"),
        ("/am", {"/am/-/ready": (200, "OK")}, True, "ready"),
        ("", {"/-/ready": (503, "")}, False, "503"),
        ("/api/v2", {"/api/v2/-/ready": (404, "")}, False, "path of ALERTMANAGER_URLS"),
    ],
)
async def test_alertmanager_is_asked_whether_it_is_ready(
    receivers: Receivers, path: str, answers: Mapping[str, Answer], accepts: bool, says: str
) -> None:
    receivers.answers.update(answers)
    found = await asked(Alertmanager([receivers.url + path]))
    assert (found.accepts, says in found.text) == (accepts, True), found
    assert {method for method, _, _ in receivers.asked} == {"GET"}


@pytest.mark.parametrize(("status", "accepts"), [(405, True), (204, True), (404, False)])
async def test_a_webhook_only_has_to_answer(
    receivers: Receivers, status: int, accepts: bool
) -> None:
    receivers.answers["/hook"] = (status, "")
    found = await asked(Webhook(SecretStr(f"{receivers.url}/hook"), SecretStr("s")))
    assert found.accepts is accepts, found


async def test_no_one_there_is_said_of_each(receivers: Receivers) -> None:
    nowhere = "http://127.0.0.1:9"
    notifiers: list[Notifier] = [
        SlackWebhook(SecretStr(f"{nowhere}/services/T/B/x")),
        Alertmanager([receivers.url, nowhere]),
        Webhook(SecretStr(f"{nowhere}/secret-path"), SecretStr("s")),
    ]
    for found in await verify({each.name: each for each in notifiers}):
        assert found.accepts is False
        assert "127.0.0.1:9" in found.text
        assert "secret-path" not in found.text


def test_a_path_of_alertmanager_is_worth_a_warning(tmp_path: Any) -> None:
    def warnings(urls: str) -> tuple[str, ...]:
        variables = Variables({"ALERTMANAGER_URLS": urls})
        return alerting_warnings(read_alerting(variables, {}, tmp_path / "probe.toml")[0])

    assert warnings("http://am-1:9093,http://am-2:9093/") == ()
    (warning,) = warnings("http://am-1:9093,http://u:p@am-2:9093/api/v2/alerts")
    assert "am-2:9093 has the path /api/v2/alerts" in warning
    assert "u:p" not in warning


async def test_the_command_asks_and_says_so(receivers: Receivers, tmp_path: Any) -> None:
    receivers.answers |= {"/-/ready": (200, "OK"), "/v2/enqueue": (400, {})}
    environment = {
        "PATH": os.environ["PATH"],
        "ALERTMANAGER_URLS": receivers.url,
        "PAGERDUTY_ROUTING_KEY": "k" * 32,
        "PAGERDUTY_EVENTS_URL": f"{receivers.url}/v2/enqueue",
        "BACKEND_URL": receivers.url,
    }
    run = await probe("check-config", "--probe", env=environment, cwd=tmp_path)
    assert run.code == 1, run.err
    assert "Notifier alertmanager: ok: ready (1 member)." in run.out
    assert "Notifier pagerduty: would not accept a notification: PagerDuty answers 400" in run.out
    assert [path for _, path, _ in receivers.asked if path == "/api/v2/alerts"] == []
