"""What ``/probe`` is asked to probe, and how it refuses a target."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from probe.core.kind import Check

if TYPE_CHECKING:
    from probe.exporter.modules.module import Module

_LONGEST = 300.0


class InvalidTarget(ValueError):
    """The target is none for this module; the text says what would be right."""


class HostnameConflict(ValueError):
    """The module's host header and the parameter ``hostname`` differ."""


class ProbeTarget(Struct, frozen=True):
    """What is probed: the target as it was given, by which module, and the hostname that is meant
    where the target is an address. ``planned`` are the scheduled checks, whose TURN credentials
    serve their own hosts."""

    text: str
    module: "Module"
    hostname: str | None = None
    planned: Sequence[Check] = ()
    ca_file: Path | None = None

    @property
    def deadline(self) -> float:
        """Seconds by the module alone."""
        return min(self.module.timeout or _LONGEST, _LONGEST)
