"""What every prober is given, and the check that the runner runs."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from probe.core.environment import Environment
from probe.core.kind import CheckConfig, DerivedChecks, Kind
from probe.core.model import Signal
from probe.exporter.modules.module import Module
from probe.net.urls import show_url

# The name of every check that is made for one request.
NAME = "probe"


class ProbeTable(CheckConfig):
    """One target by one module. ``hostname`` is the name that is meant where the target is an
    address: in the Host header and the TLS handshake."""

    name: str = NAME
    module: Module
    address: SecretStr = Field(repr=False)
    hostname: str | None = None
    ca_file: Path | None = None

    @property
    def target(self) -> str:
        """The address for people."""
        text = self.address.get_secret_value()
        return show_url(text) if "://" in text else text


def prober(
    name: str, run: Any, summary: str, signals: tuple[Signal, ...], load: Any = lambda: None
) -> Kind[Environment, ProbeTable]:
    """A prober as a kind of check, for the runner alone: no plan has it."""
    return Kind(
        name=name,
        summary=summary,
        environment=Environment,
        table=ProbeTable,
        derive=lambda _: DerivedChecks(),
        run=run,
        signals=signals,
        load=load,
    )
