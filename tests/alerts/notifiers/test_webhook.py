"""What any service gets by a webhook: signed, and recognized when it is sent again."""

import hashlib
import hmac
import json

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.model import NotifyError, Severity
from alerts.notifiers import webhook
from tests.alerts.samples import failing, sample_message
from tests.servers.services import Failure, Service


async def test_the_webhook_is_signed() -> None:
    async with Service() as service:
        notifier = webhook.Webhook(
            SecretStr(service.url), SecretStr("hmac-secret"), now=lambda: 17.0
        )
        await notifier.send(sample_message(), {})
        (body,) = service.seen
    digest = hmac.new(b"hmac-secret", b"17." + body, hashlib.sha256).hexdigest()
    assert webhook.sign("hmac-secret", "17", body) == f"sha256={digest}"
    document = json.loads(body)
    assert (document["schema"], document["key"]) == (1, "paircam.live")
    assert "hmac-secret" not in body.decode()


async def test_a_webhook_knows_a_message_that_is_sent_again_by_its_delivery() -> None:
    async with Service() as service:
        notifier = webhook.Webhook(SecretStr(service.url), SecretStr("hmac-secret"))
        for sender in ("probe id=1", "probe id=1 a second later", "probe id=2", ""):
            await notifier.send(sample_message(sender=sender), {})
        await notifier.send(sample_message(title="another"), {})
        *same, other = [headers["x-probe-delivery"] for headers in service.headers]
    assert len(set(same)) == 1
    assert other not in same


async def test_a_receiver_that_takes_no_more_is_sent_the_most_severe_alerts() -> None:
    critical, mild = failing("health"), replace(failing("mild"), severity=Severity.WARNING)
    many = (critical, *(replace(mild, since=float(number)) for number in range(3000)))
    message = sample_message(firing=many)
    async with Service() as service:
        notifier = webhook.Webhook(SecretStr(service.url), SecretStr("hmac-secret"))
        await notifier.send(message, {})
        (taken,) = service.taken
        headers = service.headers[-1]
        body = service.seen[-1]
    assert len(taken["firing"]) == webhook.MAX_FIRING
    assert taken["left_out"] == len(many) - webhook.MAX_FIRING
    assert taken["firing"][0]["identity"]["check"] == "health"
    signature = webhook.sign("hmac-secret", headers["x-probe-timestamp"], body)
    assert headers["x-probe-signature"] == signature


async def test_a_receiver_that_takes_not_even_that_refuses_for_good() -> None:
    async with Service() as service:
        service.fail.extend([Failure(413), Failure(413)])
        notifier = webhook.Webhook(SecretStr(service.url), SecretStr("hmac-secret"))
        with pytest.raises(NotifyError, match="413") as caught:
            await notifier.send(sample_message(firing=(failing(),) * 200), {})
    assert caught.value.permanent
