"""The whole lab: a backend and two TURN relays, with the variables that point to them."""

import math
import secrets
import ssl
import tempfile
import typing
from contextlib import AsyncExitStack, suppress
from dataclasses import fields
from pathlib import Path
from types import NoneType, TracebackType
from typing import Any, Literal, Self

from probe.lab import certificates
from probe.lab.backend import LabBackend
from probe.lab.certificates import Authority
from probe.lab.knobs import BackendKnobs, TurnKnobs
from probe.lab.turn.server import LabTurnServer

USERNAME = "probe"
LAB_QUOTA = 64
"""Allocations of one user at a time, where no knob sets another limit."""
Certificate = Literal["valid", "expired", "wrong-name", "untrusted"]
_NAMES = ("localhost", "127.0.0.1")


class Lab:
    """A PairCam-like stack on loopback; ``async with Lab() as lab``.

    ``certificate`` is what the TURN relays show on their TLS ports; it is fixed when the
    lab starts.
    """

    def __init__(self, *, certificate: Certificate = "valid") -> None:
        self._authority = Authority()
        self._password, self._backup_password = secrets.token_hex(8), secrets.token_hex(8)
        self._jwt_secret, self._turn_secret = secrets.token_hex(16), secrets.token_hex(16)
        tls = _tls(self._authority, certificate)
        self.primary = self._relay(self._password, tls)
        self.backup = self._relay(self._backup_password, tls)
        self.backend = LabBackend(jwt_secret=self._jwt_secret, turn_secret=self._turn_secret)
        self._stack = AsyncExitStack()
        self._ca_file: Path | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-lab-"))
            self._ca_file = Path(folder) / "ca.pem"
            self._authority.write(self._ca_file)
            for server in (self.primary, self.backup):
                await server.start()
                stack.push_async_callback(server.stop)
            self.backend.turn_urls = self.primary.urls()
            await self.backend.start()
            stack.push_async_callback(self.backend.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ca_file = None
        await self._stack.__aexit__(kind, error, traceback)

    def environment(self) -> dict[str, str]:
        """What an operator would have in the environment file. Raises RuntimeError unless the lab
        is up."""
        if self._ca_file is None:
            raise RuntimeError("the lab is not up")
        return {
            "BACKEND_URL": self.backend.url,
            "FRONTEND_URL": self.backend.url,
            "APP_METRICS_URL": f"{self.backend.url}/metrics",
            "JWT_SECRET": self._jwt_secret,
            "JWT_EXPIRATION": "5m",
            "TURN_PROVIDER": "managed",
            "TURN_URLS": ",".join(self.primary.urls()),
            "TURN_USERNAME": USERNAME,
            "TURN_PASSWORD": self._password,
            "TURN_SHARED_SECRET": self._turn_secret,
            "TURN_BACKUP_URLS": ",".join(self.backup.urls()),
            "TURN_BACKUP_USERNAME": USERNAME,
            "TURN_BACKUP_PASSWORD": self._backup_password,
            "PROBE_CA_FILE": str(self._ca_file),
        }

    def shared_environment(self) -> dict[str, str]:
        """The same for a run during which nothing else changes the lab: its relays permit one user
        as many allocations as they are set to, and so checks need not wait for each other."""
        return {**self.environment(), "TURN_USER_QUOTA": str(self.quota)}

    @property
    def quota(self) -> int:
        """Allocations that the relays permit one user at a time, at least one."""
        quotas = (server.knobs.quota for server in (self.primary, self.backup))
        return max(1, min((each for each in quotas if each is not None), default=LAB_QUOTA))

    def set_knob(self, name: str, text: str) -> None:
        """Turn ``backend.*``, ``primary.*``, ``backup.*`` or ``turn.*`` (both relays).

        Raises ValueError that names the knob and what it takes.
        """
        part, _, knob = name.partition(".")
        targets = self._parts().get(part)
        if targets is None:
            raise ValueError(f"{name}: knobs begin with {', '.join(self._parts())}")
        for target in targets:
            hints = typing.get_type_hints(type(target))
            if knob not in hints:
                raise ValueError(f"{name}: no such knob; {part} has {', '.join(hints)}")
            setattr(target, knob, _read(name, hints[knob], text))

    @staticmethod
    def knob_names() -> list[tuple[str, str, str]]:
        """Every knob: its name, what it takes, and what it is as the lab starts."""
        parts: list[tuple[str, Any]] = [("backend", BackendKnobs()), ("turn", TurnKnobs())]
        return [
            (
                f"{part}.{field.name}",
                _values(typing.get_type_hints(type(knobs))[field.name]),
                str(getattr(knobs, field.name)).lower(),
            )
            for part, knobs in parts
            for field in fields(knobs)
        ]

    def _parts(self) -> dict[str, list[Any]]:
        primary, backup = self.primary.knobs, self.backup.knobs
        return {
            "backend": [self.backend.knobs],
            "primary": [primary],
            "backup": [backup],
            "turn": [primary, backup],
        }

    def _relay(self, password: str, tls: ssl.SSLContext) -> LabTurnServer:
        return LabTurnServer(users={USERNAME: password}, secret=self._turn_secret, tls=tls)


def _tls(authority: Authority, certificate: Certificate) -> ssl.SSLContext:
    match certificate:
        case "valid":
            return authority.issue(_NAMES)
        case "expired":
            return certificates.expired(authority, _NAMES)
        case "wrong-name":
            return certificates.wrong_name(authority)
        case "untrusted":
            return certificates.untrusted(_NAMES)


def _read(name: str, type_: object, text: str) -> object:
    """The text as the knob's type takes it."""
    text_value = text.strip()
    options = _options(type_)
    if NoneType in options and text_value.lower() == "none":
        return None
    for option in options:
        if isinstance(option, str) and text_value == option:
            return option
        if option is bool and text_value.lower() in ("true", "false"):
            return text_value.lower() == "true"
        if option in (int, float):
            with suppress(ValueError):
                number: int | float = option(text_value)
                if math.isfinite(number):
                    return number
        if option is str:
            return text_value
    values = _values(type_)
    raise ValueError(f"{name}: '{text_value}' is not {'one of' if '|' in values else 'a'} {values}")


def _options(type_: object) -> list[Any]:
    """The types and literals that make up a type."""
    if typing.get_origin(type_) is Literal:
        return list(typing.get_args(type_))
    parts = typing.get_args(type_)
    return [option for part in parts for option in _options(part)] if parts else [type_]


def _values(type_: object) -> str:
    types = {bool: "true|false", int: "number", float: "number", str: "text", NoneType: "none"}
    return "|".join(
        option if isinstance(option, str) else types[option] for option in _options(type_)
    )
