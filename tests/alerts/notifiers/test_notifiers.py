"""What each service gets, and what becomes of its answers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.model import Message, MessageType, NotifyError, Severity
from alerts.notifier import Notifier
from alerts.notifiers import NOTIFIERS, alertmanager, pagerduty, slack
from alerts.notifiers.base import HttpAnswer, error_code, error_from_answer
from alerts.state.labels import label_set
from probe.core.environment import ConfigurationError, Variables, read_environment
from tests.alerts.samples import NOON, failing, messages, sample_message
from tests.servers.receivers.pagerduty import PagerDutyService, problems
from tests.servers.receivers.slack import SlackApi, SlackWebhookService, shown, stray
from tests.servers.receivers.slack import problem as refusal_of_slack
from tests.servers.services import Failure, Service

KEY = "r0uting-key-0f-mine"


def test_a_message_answers_the_questions_of_the_engineer_on_call() -> None:
    text = shown(slack.document(sample_message(), "<!channel>"))
    for answer in (
        "✗ CRITICAL: health: redis is down, since 08:00:00 UTC",
        "for 30 s, seen from lax",
        "at https://paircam.live/health · provider primary",
        "phase=body, `cause=service_down`",
        "also failing: signaling",
        "recent change: health: version 1.4 → 1.5, 12 min ago",
        "1. Is Upstash up?",
        "<https://probe.example.org/runbooks/service-down|runbook>",
        "<!channel>",
    ):
        assert answer in text


def test_a_command_of_the_runbook_can_be_copied() -> None:
    steps = 'Ask it: `redis-cli -u "$REDIS_URL" PING`'
    assert f"1. {steps}" in shown(slack.document(sample_message(text=steps)))


def test_only_what_is_critical_mentions_anybody() -> None:
    warning = sample_message(severity=Severity.WARNING)
    for quiet in (warning, sample_message(test=True), sample_message(MessageType.RESOLVED)):
        assert "<!channel>" not in shown(slack.document(quiet, "<!channel>"))


def test_no_text_of_a_target_mentions_or_links() -> None:
    evil = replace(failing(), summary="<!channel> <https://evil.example|here> *bold* `code`")
    text = shown(slack.document(sample_message(firing=(evil,))))
    assert "<!channel>" not in text
    assert "<https://evil" not in text
    assert "&lt;!channel&gt;" in text


@settings(max_examples=60)
@given(messages, st.sampled_from(["", "<!here>"]))
def test_any_text_gives_a_message_that_slack_and_pagerduty_take(odd: Message, mention: str) -> None:
    document = slack.document(odd, mention)
    assert refusal_of_slack(document) == ""
    assert stray(document) == []
    assert problems(pagerduty.event(odd, KEY)) == []


async def test_the_bot_changes_its_message_and_answers_in_the_thread() -> None:
    async with SlackApi("t0ken") as service:
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        memory = await bot.send(sample_message(), {})
        memory = await bot.send(sample_message(MessageType.CHANGED), memory)
        await bot.send(sample_message(MessageType.RESOLVED), memory)
        calls = [(each["method"], each.get("thread_ts")) for each in service.taken]
        assert calls == [
            ("chat.postMessage", None),
            ("chat.update", None),
            ("chat.update", None),
            ("chat.postMessage", memory["ts"]),
        ]


async def test_the_bot_posts_a_new_message_when_its_message_is_deleted() -> None:
    async with SlackApi("t0ken") as service:
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        memory = await bot.send(sample_message(MessageType.CHANGED), {"channel": "C0", "ts": "1.2"})
        assert memory["ts"] in service.messages


ENDINGS = [
    (Failure(400, "invalid_payload"), True, None),
    (Failure(403, "action_prohibited"), True, None),
    (Failure(404, "no_service"), True, None),
    (Failure(410, "channel_is_archived"), True, None),
    (Failure(429, "", {"Retry-After": "7"}), False, 7.0),
    (Failure(429, "", {"Retry-After": "soon"}), False, None),
    (Failure(500), False, None),
    (Failure(200, "not ok"), False, None),
    (Failure(302, "", {"Location": "http://127.0.0.1:9/"}), False, None),
    (Failure(reset=True), False, None),
]


@pytest.mark.parametrize(("failure", "permanent", "retry_after"), ENDINGS)
async def test_what_the_webhook_answers_is_for_good_or_for_later(
    failure: Failure, permanent: bool, retry_after: float | None
) -> None:
    async with SlackWebhookService() as service:
        service.fail.append(failure)
        notifier = slack.SlackWebhook(SecretStr(f"{service.url}/services/T0/B0/5ecret"))
        with pytest.raises(NotifyError) as caught:
            await notifier.send(sample_message(), {})
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, retry_after)
    assert "5ecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "permanent"),
    [
        ("invalid_auth", True),
        ("channel_not_found", True),
        ("token_revoked", True),
        ("ratelimited", False),
        ("internal_error", False),
    ],
)
async def test_what_the_web_api_answers_with_200_is_read(word: str, permanent: bool) -> None:
    async with SlackApi("t0ken") as service:
        service.fail.append(Failure(200, json.dumps({"ok": False, "error": word})))
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        with pytest.raises(NotifyError, match=word) as caught:
            await bot.send(sample_message(), {})
    assert caught.value.permanent is permanent


@pytest.mark.parametrize(
    ("failure", "permanent"),
    [
        (Failure(400), True),
        (Failure(403), True),
        (Failure(429), False),
        (Failure(500), False),
        (Failure(200), False),
        (Failure(reset=True), False),
    ],
)
async def test_what_pagerduty_answers(failure: Failure, permanent: bool) -> None:
    async with PagerDutyService(KEY) as service:
        service.fail.append(failure)
        notifier = pagerduty.PagerDuty(SecretStr(KEY), SecretStr(service.url))
        with pytest.raises(NotifyError) as caught:
            await notifier.send(sample_message(), {})
    assert caught.value.permanent is permanent
    assert KEY not in str(caught.value)


async def test_a_reminder_and_a_repetition_open_no_second_incident() -> None:
    async with PagerDutyService(KEY) as service:
        notifier = pagerduty.PagerDuty(SecretStr(KEY), SecretStr(service.url))
        for occasion in (
            MessageType.FIRING,
            MessageType.FIRING,
            MessageType.REMINDER,
            MessageType.CHANGED,
        ):
            await notifier.send(sample_message(occasion), {})
        assert (service.opened, len(service.incidents)) == (1, 1)
        await notifier.send(sample_message(MessageType.RESOLVED), {})
        assert service.incidents == {}


def test_alertmanager_gets_what_fires_and_the_end_of_what_does_not() -> None:
    warning = label_set(failing(severity=Severity.WARNING))
    new, old = alertmanager.alerts_of(sample_message(), [warning])
    assert new["labels"]["severity"] == "critical"
    assert new["endsAt"] > new["startsAt"]
    assert new["annotations"]["runbook_url"].endswith("/runbooks/service-down")
    assert old["labels"] == warning
    assert old["startsAt"] <= old["endsAt"] == "2027-01-15T08:00:30+00:00"


async def test_one_member_of_the_cluster_that_takes_it_is_enough() -> None:
    async with Service() as service:
        notifier = alertmanager.Alertmanager([service.url, "http://127.0.0.1:9"])
        memory = await notifier.send(sample_message(), {})
        assert len(json.loads(memory[alertmanager.FIRING])) == 1
    with pytest.raises(NotifyError, match=r"127\.0\.0\.1:9"):
        await alertmanager.Alertmanager(["http://127.0.0.1:9"]).send(sample_message(), {})


@pytest.mark.parametrize(
    ("values", "mistake"),
    [
        ({"SLACK_WEBHOOK": "hooks.slack.com/x"}, "SLACK_WEBHOOK"),
        ({"SLACK_BOT_TOKEN": "xoxb-5ecret"}, "belong together"),
        ({"SLACK_WEBHOOK": "https://x.example/", "SLACK_MENTION": "everybody"}, "SLACK_MENTION"),
        ({"ALERTMANAGER_URLS": "alertmanager:9093"}, "ALERTMANAGER_URLS"),
        ({"ALERT_WEBHOOK_URL": "https://x.example/"}, "ALERT_WEBHOOK_SECRET"),
    ],
)
def test_a_wrong_variable_is_named_and_no_secret_shown(
    values: dict[str, str], mistake: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_all(values)
    assert mistake in str(caught.value)
    assert "5ecret" not in str(caught.value)


def make_all(values: dict[str, str]) -> list[Notifier | None]:
    """Every notifier from these variables."""
    variables = Variables(values)
    return [each.make(read_environment(each.environment, variables)) for each in NOTIFIERS]


def test_nothing_is_configured_by_itself() -> None:
    assert make_all({}) == [None] * len(NOTIFIERS)


def test_a_service_may_say_anything() -> None:
    answer = HttpAnswer(418, {}, "<html>5ecret</html>")
    assert error_code(answer.text) == ""
    assert str(error_from_answer(answer, "it")) == "it answers 418"


async def test_the_bot_repeats_once_a_change_that_slack_failed_at() -> None:
    async with SlackApi("t0ken") as service:
        bot = slack.SlackBot(SecretStr("t0ken"), "C0", SecretStr(service.url))
        memory = await bot.send(sample_message(), {})
        service.fail.append(Failure(500))
        await bot.send(sample_message(MessageType.CHANGED), memory)
        assert list(service.messages) == [memory["ts"]]
        # Nobody sleeps here for as long as Slack asks: the outbox waits.
        service.fail.append(Failure(429, "", {"Retry-After": "3000"}))
        with pytest.raises(NotifyError) as caught:
            await bot.send(sample_message(MessageType.CHANGED), memory)
    assert (caught.value.permanent, caught.value.retry_after) == (False, 3000.0)


async def test_slack_s_redirect_is_not_followed_with_the_message() -> None:
    async with SlackWebhookService() as moved_to, SlackWebhookService() as service:
        service.fail.append(Failure(307, "", {"Location": f"{moved_to.url}/services/x"}))
        notifier = slack.SlackWebhook(SecretStr(f"{service.url}/services/T0/B0/5ecret"))
        with pytest.raises(NotifyError, match="Slack answers 307"):
            await notifier.send(sample_message(), {})
        assert moved_to.seen == []


def test_what_is_copied_from_slack_can_be_pasted() -> None:
    odd = failing(cause="connect_refused", hint="Is `REDIS_URL` right (REDIS_URL, *_HOST)?")
    text = shown(slack.document(sample_message(firing=(odd,))))
    assert "\u2060" not in text
    assert "`cause=connect_refused`" in text
    assert "(`REDIS_URL`, `*_HOST`)?" in text


def test_an_update_says_what_changed_and_repeats_no_steps() -> None:
    update = sample_message(MessageType.CHANGED, news=("now critical, was warning",))
    text = shown(slack.document(update))
    assert "now critical, was warning" in text
    assert "First steps" not in text
    assert "Look at Redis." not in text
    # A bot's message is edited, and shows all that is known.
    assert "First steps" in shown(slack.document(update, whole=True))


def test_an_update_that_a_new_critical_alert_makes_critical_says_what_to_do() -> None:
    """What woke somebody up was "now also health: connection refused" alone, below warnings whose
    steps are about something else."""
    news = ("now critical, was warning", "now also health: redis is down")
    text = shown(slack.document(sample_message(MessageType.CHANGED, news=news)))
    assert "now also health: redis is down" in text
    assert "First steps" in text
    assert "cause" in text


def test_an_incident_that_begins_now_has_lasted_for_no_time() -> None:
    """It was "for 1.8 ms"."""
    now = sample_message(at=NOON + 0.002)
    text = shown(slack.document(now))
    assert "ms" not in text
    assert "seen from lax" in text
    assert "for 30 s, " in shown(slack.document(sample_message()))


def test_what_is_no_longer_monitored_has_not_recovered() -> None:
    closed = failing(ended=NOON + 30, closed="no longer monitored")
    message = sample_message(
        MessageType.RESOLVED, title="health is no longer monitored", resolved=(closed,)
    )
    text = shown(slack.document(message))
    assert "CLOSED: health is no longer monitored" in text
    assert "RESOLVED" not in text
