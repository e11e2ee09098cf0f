"""What becomes of an incident that PagerDuty has resolved while the fault lasts."""

import pytest
from pydantic import SecretStr

from alerts.model import MessageType
from alerts.notifiers import pagerduty
from tests.alerts.samples import sample_message
from tests.servers.receivers.pagerduty import PagerDutyService

KEY = "R" * 32


@pytest.mark.parametrize(
    ("occasion", "opened"),
    [(MessageType.REMINDER, 2), (MessageType.CHANGED, 1), (MessageType.NOTE, 1)],
)
async def test_what_pagerduty_resolved_during_the_outage_is_opened_again_by_a_reminder(
    occasion: MessageType, opened: int
) -> None:
    async with PagerDutyService(KEY) as service:
        notifier = pagerduty.PagerDuty(SecretStr(KEY), SecretStr(service.url))
        await notifier.send(sample_message(MessageType.FIRING), {})
        # Its auto-resolution, or somebody who pressed the button.
        service.incidents.clear()
        await notifier.send(sample_message(occasion), {})
        assert service.opened == opened
        await notifier.send(sample_message(MessageType.RESOLVED), {})
        assert service.incidents == {}
