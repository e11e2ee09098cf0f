"""Any service that takes JSON: the whole message, signed with HMAC-SHA256 (RFC 2104).

``X-Probe-Signature: sha256=HEX`` is over ``TIMESTAMP.BODY``, where TIMESTAMP is the header
``X-Probe-Timestamp`` in seconds since 1970: receivers should refuse old ones. A message
that is sent again has the same ``X-Probe-Delivery``, so that receivers can deduplicate. A receiver
that answers 413 is sent the most severe alerts, and in ``left_out`` how many others fire.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from msgspec import to_builtins
from msgspec.structs import replace
from pydantic import Field, SecretStr, model_validator

from alerts.model import Message, NotifyError, Severity
from alerts.notifier import Notifier
from alerts.notifiers.base import HttpAnswer, NotifierKind, error_from_answer, post, request
from probe.core.environment import Environment
from probe.net.urls import HttpUrl, show_host
from probe.report.json.fields import whole

SCHEMA = 1
# RFC 9110, 15.5.14. Where thousands of alerts are answered so, the most severe are sent.
TOO_LARGE, MAX_FIRING = 413, 100


class WebhookEnvironment(Environment):
    """Where to, and the key that it is signed with."""

    url: HttpUrl | None = Field(default=None, alias="ALERT_WEBHOOK_URL")
    """Address that each notification is posted to as JSON. Example:
    `https://example.org/hooks/probe`"""
    secret: SecretStr | None = Field(default=None, alias="ALERT_WEBHOOK_SECRET")
    """Key of the HMAC-SHA256 signature."""

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if self.url is not None and self.secret is None:
            raise ValueError("ALERT_WEBHOOK_URL needs ALERT_WEBHOOK_SECRET: messages are signed")
        return self


class Webhook:
    """Posts messages as documents, ``"schema": 1``."""

    name, sends_missed_incidents, resend_seconds, pause = "webhook", True, None, 0.0

    def __init__(
        self, url: SecretStr, secret: SecretStr, now: Callable[[], float] = time.time
    ) -> None:
        self._url, self._secret, self._now = url, secret, now

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Post it. Raises NotifyError."""
        given = document(message)
        # The sender's mark is another one at each attempt, and no part of what is said.
        said = json.dumps({**given, "sender": ""}).encode()
        delivery = hashlib.sha256(said).hexdigest()[:32]
        answer = await self._post(given, delivery)
        if answer.status == TOO_LARGE and (left_out := len(message.firing) - MAX_FIRING) > 0:
            short = document(replace(message, firing=message.firing[:MAX_FIRING]))
            answer = await self._post({**short, "left_out": left_out}, delivery)
        if not 200 <= answer.status < 300:
            raise error_from_answer(answer, show_host(self._url.get_secret_value()))
        return {}

    async def _post(self, given: Mapping[str, Any], delivery: str) -> HttpAnswer:
        body, stamp = json.dumps(given).encode(), str(int(self._now()))
        headers = {
            "Content-Type": "application/json",
            "X-Probe-Delivery": delivery,
            "X-Probe-Timestamp": stamp,
            "X-Probe-Signature": sign(self._secret.get_secret_value(), stamp, body),
        }
        return await post(self._url.get_secret_value(), body=body, headers=headers)

    async def verify(self) -> str:
        """Whether anything answers HTTP there; the key can't be tried without a message. Raises
        NotifyError."""
        url = self._url.get_secret_value()
        answer = await request("OPTIONS", url)
        if answer.status in (404, 410) or answer.status >= 500:
            raise NotifyError(f"{show_host(url)} answers {answer.status} to OPTIONS")
        return f"{show_host(url)} answers; the signature can't be verified without a message"


def document(message: Message) -> dict[str, Any]:
    """All of a message, for strict parsers too."""
    said = {name: value for name, value in to_builtins(message).items() if name != "quiet"}
    return {"schema": SCHEMA, **whole(said)}


def sign(secret: str, stamp: str, body: bytes) -> str:
    """The signature's header field."""
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def make(environment: WebhookEnvironment) -> Notifier | None:
    """From its address and key."""
    if environment.url is None or environment.secret is None:
        return None
    return Webhook(environment.url, environment.secret)


KIND = NotifierKind(
    "webhook", "signed JSON for anything else", WebhookEnvironment, frozenset(Severity), make
)
