"""What any service gets by a webhook: signed, and recognized when it is sent again."""

import hashlib
import hmac
import json

from pydantic import SecretStr

from alerts.notifiers import webhook
from tests.alerts.samples import sample_message
from tests.servers.services import Service


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
