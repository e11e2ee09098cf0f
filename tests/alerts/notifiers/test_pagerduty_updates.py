"""Which updates of an incident reach PagerDuty, and what it resolved while the fault lasts."""

import pytest
from pydantic import SecretStr

from alerts.model import MessageType, Severity
from alerts.notifiers import pagerduty
from tests.alerts.samples import sample_message
from tests.servers.receivers.pagerduty import PagerDutyService, problems

KEY = "R" * 32
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
FIRING, CHANGED, REMINDER = MessageType.FIRING, MessageType.CHANGED, MessageType.REMINDER


@pytest.mark.parametrize(
    ("story", "triggers"),
    [
        # Where warnings are routed there, a rise raises the urgency.
        ([(FIRING, WARNING), (CHANGED, CRITICAL)], [WARNING, CRITICAL]),
        ([(FIRING, WARNING), (REMINDER, WARNING), (CHANGED, CRITICAL)], [WARNING] * 2 + [CRITICAL]),
        ([(FIRING, WARNING), (CHANGED, CRITICAL), (CHANGED, CRITICAL)], [WARNING, CRITICAL]),
        ([(FIRING, WARNING), (CHANGED, WARNING)], [WARNING]),
        # A fall pages nobody, and the rise after it is known there.
        ([(FIRING, CRITICAL), (CHANGED, WARNING), (CHANGED, CRITICAL)], [CRITICAL]),
        # The first message may have been lost: an attempt without an answer, then a refusal.
        ([(CHANGED, CRITICAL), (CHANGED, CRITICAL)], [CRITICAL]),
        ([(CHANGED, WARNING), (CHANGED, CRITICAL)], [WARNING, CRITICAL]),
    ],
)
async def test_a_rise_in_severity_and_the_first_accepted_event_are_triggers(
    story: list[tuple[MessageType, Severity]], triggers: list[Severity]
) -> None:
    async with PagerDutyService(KEY) as service:
        notifier = pagerduty.PagerDuty(SecretStr(KEY), SecretStr(service.url))
        memory: dict[str, str] = {}
        for occasion, severity in story:
            memory = dict(await notifier.send(sample_message(occasion, severity=severity), memory))
        assert [each["payload"]["severity"] for each in service.taken] == triggers
        assert service.opened == 1


def test_ten_thousand_changes_fit_into_an_event() -> None:
    news = tuple(f"now also check-{number}: {'x' * 300}" for number in range(10_000))
    assert problems(pagerduty.event(sample_message(CHANGED, news=news), KEY)) == []


@pytest.mark.parametrize(
    ("occasion", "opened"),
    [(MessageType.REMINDER, 2), (MessageType.CHANGED, 1), (MessageType.NOTE, 1)],
)
async def test_what_pagerduty_resolved_during_the_outage_is_opened_again_by_a_reminder(
    occasion: MessageType, opened: int
) -> None:
    async with PagerDutyService(KEY) as service:
        notifier = pagerduty.PagerDuty(SecretStr(KEY), SecretStr(service.url))
        memory = await notifier.send(sample_message(MessageType.FIRING), {})
        # Its auto-resolution, or somebody who pressed the button.
        service.incidents.clear()
        await notifier.send(sample_message(occasion), memory)
        assert service.opened == opened
        await notifier.send(sample_message(MessageType.RESOLVED), {})
        assert service.incidents == {}
