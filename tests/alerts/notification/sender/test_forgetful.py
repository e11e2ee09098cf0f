"""A service that drops what is not repeated to it is sent that before it does."""

import pytest

from alerts.model import Delivery, NotifyError, Severity
from alerts.notifiers.alertmanager import EXPIRES_SECONDS, RESEND_SECONDS
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, Service, running
from tests.alerts.words import FIRING, a_message

DOWN = NotifyError("connection refused")
BUSY = NotifyError("429", retry_after=1800.0)


class Forgetful(Service):
    """As Alertmanager."""

    resend_seconds = RESEND_SECONDS  # type: ignore[assignment]


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("script", [[DOWN] * 12, [BUSY], [DOWN] * 9 + [BUSY]])
async def test_however_long_it_was_away_it_is_asked_again_within_a_minute(
    outbox: Outbox, script: list[object], severity: Severity
) -> None:
    service = Forgetful("alertmanager", script)
    async with running(Post(outbox, service)) as post:
        message = a_message(FIRING, at=1, severity=severity)
        await post.commit(Delivery("alertmanager", message, due=1))
        for count in range(len(script)):
            await service.attempted(count + 1)
            await post.settled()
            post.pass_(1.2 * RESEND_SECONDS)
        await post.settled()
        assert len(service.received) == 1
    assert 2 * RESEND_SECONDS < EXPIRES_SECONDS
