"""aiortc without its codecs.

A call here carries no media, yet importing aiortc imports PyAV, and with it FFmpeg: 16 MB
of a process that has 256. aiortc has no public way to leave them out, so while it is
imported, PyAV's modules are stand-ins; afterwards whoever imports PyAV gets the real one.
``tests/call/test_aiortc_import.py`` breaks if aiortc comes to need more than the names.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MEDIA = "av"


class _StandIns(MetaPathFinder, Loader):
    """Finds PyAV's modules and gives empty ones, in which every name is an empty class."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != MEDIA:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def without_media() -> Iterator[None]:
    """Import aiortc within this; does nothing where PyAV or aiortc is there already."""
    if MEDIA in sys.modules or "aiortc" in sys.modules:
        yield
        return
    stand_ins = _StandIns()
    sys.meta_path.insert(0, stand_ins)
    try:
        yield
    finally:
        sys.meta_path.remove(stand_ins)
        for name in [name for name in sys.modules if name.partition(".")[0] == MEDIA]:
            del sys.modules[name]


with without_media():
    from aiortc import (
        RTCCertificate,
        RTCDataChannel,
        RTCDataChannelParameters,
        RTCDtlsFingerprint,
        RTCDtlsParameters,
        RTCDtlsTransport,
        RTCIceTransport,
        RTCSctpTransport,
    )

__all__ = [
    "RTCCertificate",
    "RTCDataChannel",
    "RTCDataChannelParameters",
    "RTCDtlsFingerprint",
    "RTCDtlsParameters",
    "RTCDtlsTransport",
    "RTCIceTransport",
    "RTCSctpTransport",
]
