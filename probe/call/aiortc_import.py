"""aiortc without its media: neither codecs nor SRTP, and of its own modules those of data channels.

A call here carries no media of aiortc's, yet importing aiortc imports PyAV, and with it FFmpeg
(16 MB of a process that has 256), and pylibsrtp, and with it a second OpenSSL (5 MB). aiortc has
no public way to leave them out, so while it is imported, their modules are stand-ins; afterwards
whoever imports them gets the real ones. DTLS offers its SRTP profiles as before (RFC 5764); the
keys for them are made and not used. What the package itself imports, peer connections, tracks and
codecs (1 MB), is loaded when somebody takes a name from it. ``tests/call/test_aiortc_import.py``
breaks if aiortc comes to need more than the names.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from probe.call import no_srtp

# aiortc imports aioice, which is imported there without what it does not need.
from probe.ice import aioice_import  # noqa: F401

AIORTC, CODECS, SRTP = "aiortc", "av", "pylibsrtp"
LEFT_OUT = (CODECS, SRTP)
# For SSH's private keys, which cryptography reads without it unless they have a passphrase.
_ABSENT = "bcrypt"


class _StubFinder(MetaPathFinder, Loader):
    """Finds the modules that are left out; PyAV's are empty, in which every name is an empty
    class."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _ABSENT:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
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


class _Package(ModuleType):
    """aiortc's package, of which single modules can be imported before it is loaded itself."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        is_module = not name.startswith("__") and find_spec(f"{AIORTC}.{name}") is not None
        if name.startswith("__") or is_module or spec is None or spec.loader is None:
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]  # from here on it is a usual one
        with _stand_ins():
            spec.loader.exec_module(self)
        return getattr(self, name)


@contextmanager
def without_media() -> Iterator[None]:
    """Import aiortc within this; does nothing where it is there already."""
    if AIORTC not in sys.modules and (spec := find_spec(AIORTC)) is not None:
        package = _Package(AIORTC)
        package.__spec__, package.__file__ = spec, spec.origin
        package.__path__ = spec.submodule_search_locations or []
        sys.modules[AIORTC] = package
    with _stand_ins():
        yield


@contextmanager
def _stand_ins() -> Iterator[None]:
    """What is left out has a stand-in within this, unless it is there already."""
    if {*LEFT_OUT} & sys.modules.keys():
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
    from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
    from aiortc.rtcdtlstransport import (
        RTCCertificate,
        RTCDtlsFingerprint,
        RTCDtlsParameters,
        RTCDtlsTransport,
    )
    from aiortc.rtcicetransport import RTCIceTransport
    from aiortc.rtcsctptransport import RTCSctpTransport

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
