"""aiohttp without authorities in the two TLS contexts that it makes when it is imported.

Each holds all authorities of the system: together 2 MB and a twentieth of a second of CPU at start.
Neither is used: every client's connector is given a context of ``probe.net.tls.contexts``.
OpenSSL reads the authorities from where two variables point (openssl-env(7)), and while aiohttp is
imported these lead nowhere. Clients take aiohttp from here; a process that serves imports this
module before whatever else imports aiohttp.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def _without_authorities() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _without_authorities():
    import aiohttp

__all__ = ["aiohttp"]
