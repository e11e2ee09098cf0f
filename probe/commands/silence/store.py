"""Where silences are kept: the daemon's file, or the daemon itself over HTTP."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from pydantic import SecretStr

from alerts.model import Silence
from alerts.outbox.outbox import Outbox
from alerts.outbox.schema import FILE
from alerts.silence.api_v2 import document_of, posted_of
from alerts.silence.matcher import matched_checks, matches
from alerts.state.alert_store import AlertStore
from probe.commands.incidents.client import ClientError, DaemonAnswer, exchange
from probe.config.settings import Settings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.net.fetch.failure import reason_of
from probe.net.urls import show_host
from probe.storage.replica import STALLED

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 8 << 20


class StoreError(Exception):
    """Silences can't be read or written there; the text says why. ``refused``: the request is
    invalid."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class Matched(Struct, frozen=True):
    """What a silence matches now: checks, and alerts that fire. ``problem`` says why a restart
    loses the silence, empty if it doesn't."""

    checks: Sequence[str]
    alerts: Sequence[str]
    problem: str = ""


class SilenceStore(Protocol):
    """Silences as documents of Alertmanager's API v2."""

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """Those that have not expired."""

    async def matched(self, silence: Silence) -> Matched | None:
        """What a silence would match; None where that is only known once it is added."""

    async def add(self, silence: Silence) -> tuple[str, Matched]:
        """Add one; its name, and what it matches. Raises StoreError."""

    async def expire(self, name: str) -> bool:
        """End one; False if there is none of that name."""


class FileStore(Struct, frozen=True):
    """The file that the daemon keeps in PROBE_DATA, also while it runs."""

    outbox: Outbox
    settings: Settings

    @staticmethod
    def is_used(settings: Settings) -> bool:
        """Whether a daemon has ever kept its alerts in the folder."""
        folder = settings.service.data
        return folder is not None and (folder / FILE).exists()

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """See SilenceStore."""
        now = time.time()
        return [document_of(silence, now) for silence in await self.outbox.silences(now)]

    async def matched(self, silence: Silence) -> Matched:
        """See SilenceStore."""
        store = AlertStore(self.settings.region)
        store.restore(await self.outbox.states())
        alerts = [str(each.identity) for each in store.firing if matches(silence.matches, each)]
        return Matched(matched_checks(silence.matches, self.settings.plan.checks), alerts)

    async def add(self, silence: Silence) -> tuple[str, Matched]:
        """See SilenceStore. Raises StoreError if it was not stored."""
        if not await self.outbox.add_silence(silence):
            raise StoreError(f"the silence was not stored: {self._problem}")
        return silence.name, await self.matched(silence)

    async def expire(self, name: str) -> bool:
        """See SilenceStore. Raises StoreError if the end was not stored."""
        ended = await self.outbox.end_silence(name, time.time())
        if ended and self.outbox.state.problem:
            raise StoreError(f"{name} was not ended: {self._problem}")
        return ended

    @property
    def _problem(self) -> str:
        return self.outbox.state.problem or STALLED


class ApiStore(Struct, frozen=True):
    """The daemon's own API; ``token`` is its PROBE_WEB_TOKEN."""

    url: str
    token: SecretStr | None

    async def all(self) -> Sequence[Mapping[str, Any]]:
        """See SilenceStore."""
        found = await self._request("GET", "/api/v2/silences")
        return [each for each in found if each["status"]["state"] != "expired"]

    async def matched(self, silence: Silence) -> None:
        """See SilenceStore: the daemon knows."""

    async def add(self, silence: Silence) -> tuple[str, Matched]:
        """See SilenceStore."""
        answer = await self._request("POST", "/api/v2/silences", posted_of(silence))
        found = (answer.get("checks", ()), answer.get("alerts", ()))
        return answer["silenceID"], Matched(*found, answer.get("problem", ""))

    async def expire(self, name: str) -> bool:
        """See SilenceStore."""
        try:
            await self._request("DELETE", f"/api/v2/silence/{name}")
        except LookupError:
            return False
        return True

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"} if self.token else {}
        host = show_host(self.url)
        try:
            answer = await exchange(
                method, self.url, path, headers, body=body, timeout=TIMEOUT_SECONDS, most=MAX_BYTES
            )
            return _document(answer, host)
        except ClientError as error:
            raise StoreError(str(error)) from None
        except ValueError as error:
            raise StoreError(f"no probe answers at {host}: {reason_of(error)}") from None


def _document(answer: DaemonAnswer, host: str) -> Any:
    is_json = answer.content_type == "application/json"
    if answer.status == 200:
        return json.loads(answer.text)
    if answer.status == 404 and is_json:
        raise LookupError
    detail = f": {answer.text}" if is_json else ""
    if answer.status == 401:
        detail = ": set PROBE_WEB_TOKEN to the daemon's own"
    raise StoreError(f"{host} answers {answer.status}{detail}", refused=answer.status == 400)


def not_used(settings: Settings) -> ConfigurationError:
    """The folder that PROBE_DATA names is no daemon's."""
    problem = (
        f"no daemon keeps its alerts in {settings.service.data}: is it the daemon's own folder? "
        "--url asks the daemon itself, --force adds the silence all the same"
    )
    return ConfigurationError([ConfigProblem("PROBE_DATA", problem)])
