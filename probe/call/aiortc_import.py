"""aiortc without its codecs, and without SRTP.

A call here carries no media of aiortc's, yet importing aiortc imports PyAV, and with it FFmpeg
(16 MB of a process that has 256), and pylibsrtp, and with it a second OpenSSL (5 MB). aiortc has
no public way to leave them out, so while it is imported, their modules are stand-ins; afterwards
whoever imports them gets the real ones. DTLS offers its SRTP profiles as before (RFC 5764); the
keys for them are made and not used. ``tests/call/test_aiortc_import.py`` breaks if aiortc comes to
need more than the names.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from probe.call import no_srtp

CODECS, SRTP = "av", "pylibsrtp"
LEFT_OUT = (CODECS, SRTP)


class _StubFinder(MetaPathFinder, Loader):
    """Finds the modules that are left out; PyAV's are empty, in which every name is an empty
    class."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _package_of(fullname) not in LEFT_OUT:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """What aiortc takes from pylibsrtp."""
        if module.__name__ == SRTP:
            module.__dict__.update(no_srtp.NAMES)


class _StubModule(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__") or self.__name__ == SRTP:
            raise AttributeError(name)
        return type(name, (), {})


def _package_of(module: str) -> str:
    return module.partition(".")[0]


@contextmanager
def without_media() -> Iterator[None]:
    """Import aiortc within this; does nothing where it is there already, or what it leaves out."""
    if {*LEFT_OUT, "aiortc"} & sys.modules.keys():
        yield
        return
    finder = _StubFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _package_of(name) in LEFT_OUT]:
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
