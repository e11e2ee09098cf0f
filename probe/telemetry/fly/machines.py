"""The machines of an app, as Fly.io's Machines API reports them.

https://fly.io/docs/machines/api/machines-resource/ and /working-with-machines-api/ (1 request
a second for each action, a burst of 3). Machines that end by themselves (release commands,
scheduled ones) are left out: their exits are no crashes.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.telemetry.api_client import ApiAnswer, ApiClient
from probe.telemetry.rate_limit import RequestPacer
from probe.untrusted.text import excerpt

RATE, BURST = 1.0, 3
# Two checks of one app share an answer that is so fresh, in seconds.
FRESH_SECONDS = 8.0
# Cap on Retry-After.
MAX_RETRY_SECONDS = 120.0
MIN_RETRY_SECONDS = 5.0
MAX_MACHINES = 50

_APP_HINT = "Is FLY_APP the name of the app, and may FLY_API_TOKEN read it?"
_TOKEN_HINT = "Is FLY_API_TOKEN right, and may it read FLY_APP? fly tokens create readonly ORG"
_DEPLOYMENT_CHECK = "bg_deployments_compat"


class Exit(StrEnum):
    """Why a machine's main process ended."""

    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"
    REQUESTED = "requested"


class MachineState(StrEnum):
    """A machine's state: ``down`` has ended without being asked to, or its host is gone;
    ``stopped`` was stopped or suspended on purpose; ``changing`` is on its way."""

    UP = "up"
    DOWN = "down"
    STOPPED = "stopped"
    CHANGING = "changing"


class MachineExit(Struct, frozen=True):
    """One exit: why, with which code, and when (seconds since 1970)."""

    why: Exit
    code: int
    at: float


class Machine(Struct, frozen=True):
    """One machine. ``exits`` are the newest first; ``failing`` are its health checks that
    don't pass; ``memory`` is in bytes, None where it is not reported."""

    id: str
    region: str
    state: str
    host_ok: bool
    exits: tuple[MachineExit, ...] = ()
    failing: tuple[str, ...] = ()
    memory: float | None = None

    @property
    def current_state(self) -> MachineState:
        """Whether it runs, and if not, whether that was wanted."""
        match self.state:
            case "started":
                return MachineState.UP if self.host_ok else MachineState.DOWN
            case "suspended":
                return MachineState.STOPPED
            case "failed":
                return MachineState.DOWN
            case "stopped":
                wanted = not self.exits or self.exits[0].why is Exit.REQUESTED
                return MachineState.STOPPED if wanted else MachineState.DOWN
            case _:
                return MachineState.CHANGING

    def count(self, why: tuple[Exit, ...], since: float) -> int:
        """How many of its exits since then (seconds since 1970) had one of these reasons."""
        return sum(each.why in why and each.at >= since for each in self.exits)

    @property
    def summary(self) -> str:
        """Its state, for people."""
        if self.state == "started" and not self.host_ok:
            return f"{self.id} ({self.region}): its host is unreachable"
        if not self.exits:
            return f"{self.id} ({self.region}): {self.state}"
        last = self.exits[0]
        why = last.why.value.replace("_", " ")
        return f"{self.id} ({self.region}): {self.state} after {why}, exit code {last.code}"


class Machines:
    """The machines of one app; one object for all checks of it, so that they share limits."""

    def __init__(self, client: ApiClient, app: str, pacer: RequestPacer) -> None:
        self._client, self._app = client, app
        self._pacer = pacer
        self._lock = asyncio.Lock()
        self._kept: tuple[float, tuple[Machine, ...]] | None = None
        self._quiet_until = float("-inf")

    async def list(self) -> tuple[Machine, ...]:
        """All machines that are not destroyed, by id; at most 8 s old.

        Raises NotMeasured: auth_rejected, rate_limited, http_status, body_invalid,
        body_too_large or a cause of the network.
        """
        async with self._lock:
            now = self._client.clock()
            if self._kept is None or now - self._kept[0] > FRESH_SECONDS:
                self._kept = (now, await self._fetch())
            return self._kept[1]

    async def _fetch(self) -> tuple[Machine, ...]:
        self._kept = None
        found = await self._get(f"/v1/apps/{self._app}/machines")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self._odd()
        machines = [each for each in found if _counts(each)]
        return tuple(
            sorted([await self._machine(each) for each in machines], key=lambda each: each.id)
        )

    async def _machine(self, document: Mapping[str, Any]) -> Machine:
        identifier = document.get("id")
        if not isinstance(identifier, str) or not identifier.isalnum():
            raise self._odd()
        events = document.get("events")
        if events is None:
            path = f"/v1/apps/{self._app}/machines/{identifier}/events"
            events = await self._get(path)
        checks = _entries(document.get("checks"))
        exits = sorted(_exits(_entries(events)), key=lambda each: -each.at)
        guest = _mapping(_mapping(document.get("config")).get("guest"))
        megabytes = guest.get("memory_mb")
        return Machine(
            id=identifier,
            region=excerpt(str(document.get("region") or "")),
            state=excerpt(str(document.get("state") or "")),
            host_ok=document.get("host_status") in (None, "", "ok"),
            exits=tuple(exits),
            failing=tuple(
                excerpt(str(each.get("name")))
                for each in checks
                if each.get("status") != "passing"
                and not str(each.get("name")).startswith(_DEPLOYMENT_CHECK)
            ),
            memory=megabytes * 2.0**20 if isinstance(megabytes, int) else None,
        )

    async def _get(self, path: str) -> Any:
        if (left := self._quiet_until - self._client.clock()) > 0:
            message = f"{self._client.name} asks for no requests for {left:.0f} s more"
            raise NotMeasured(Cause.RATE_LIMITED, message)
        await self._pacer.acquire()
        answer = await self._client.get(path)
        if answer.status != HTTPStatus.OK:
            raise self._refused(answer)
        return await self._client.document(answer)

    def _refused(self, answer: ApiAnswer) -> NotMeasured:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wanted = max(answer.retry_after or 0.0, MIN_RETRY_SECONDS)
            self._quiet_until = self._client.clock() + min(wanted, MAX_RETRY_SECONDS)
        hints = {
            HTTPStatus.NOT_FOUND: _APP_HINT,
            HTTPStatus.UNAUTHORIZED: _TOKEN_HINT,
            HTTPStatus.FORBIDDEN: _TOKEN_HINT,
        }
        status = next((each for each in hints if each == answer.status), None)
        return self._client.refused(answer, hints[status] if status else "")

    def _odd(self) -> NotMeasured:
        message = f"{self._client.name} answers in another form than it documents"
        return NotMeasured(Cause.BODY_INVALID, message)


def _counts(document: object) -> bool:
    """Whether it is a machine that should run on and on."""
    machine = _mapping(document)
    config = _mapping(machine.get("config"))
    group = _mapping(config.get("metadata")).get("fly_process_group")
    ends_by_itself = bool(config.get("schedule")) or group == "fly_app_release_command"
    gone = machine.get("state") in ("destroyed", "destroying")
    return not gone and not ends_by_itself


def _exits(events: list[Mapping[str, Any]]) -> Iterator[MachineExit]:
    for event in events:
        if event.get("type") != "exit":
            continue
        request = _mapping(event.get("request"))
        monitor = _mapping(request.get("MonitorEvent"))
        exited = _mapping(monitor.get("exit_event")) or _mapping(request.get("exit_event"))
        at = _moment(exited.get("exited_at"))
        at = _moment(event.get("timestamp")) if at is None else at
        if at is None:
            continue
        # Fly leaves out what is false or 0.
        why = Exit.REQUESTED if exited.get("requested_stop") else Exit.CRASH
        why = Exit.OUT_OF_MEMORY if exited.get("oom_killed") else why
        code = exited.get("exit_code")
        yield MachineExit(why, code if isinstance(code, int) else 0, at)


def _moment(value: object) -> float | None:
    """Seconds since 1970 of milliseconds or of an RFC 3339 time; Go's zero time is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value / 1000 if value > 0 else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        seconds = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if seconds > 0 and moment.tzinfo is not None else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
