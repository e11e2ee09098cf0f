"""Security of the pages: the last valid web configuration file, and its users."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import ssl
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from probe.web.web_config import (
    RequestRate,
    WebConfig,
    WebConfigError,
    files_of,
    is_allowed_client,
    read_web_config,
)

logger = logging.getLogger(__name__)

# How often the files are polled, in seconds.
CHECK_SECONDS = 2.0
# A comparison with bcrypt takes a tenth of a second: what it said is kept for so many logins.
MAX_KNOWN = 100
# bcrypt compares no more; what is longer is no password of ours.
_MAX_PASSWORD = 72
# Compared with for a user who does not exist, so that both take the same time.
_NO_SUCH_USER = "$2b$10$ZHVO50U2oAMx6tzJ3A8YR.j0VO13itTwHS03d5BrnM1X0BBtvaFo."


class WebSecurity:
    """The file at ``path``; without one there is neither TLS nor a user. Raises
    WebConfigError when it is made and the file is wrong."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._config = WebConfig()
        self._context: ssl.SSLContext | None = None
        self._seen: tuple[object, ...] = ()
        self._looked_at = 0.0
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._busy = asyncio.Semaphore(2)
        if path is not None:
            self._read(path)

    @property
    def has_users(self) -> bool:
        """Whether a user and password are asked for."""
        self._refresh()
        return bool(self._config.basic_auth_users)

    @property
    def is_closed(self) -> bool:
        """Whether access is restricted: there are users, or certificates are required."""
        return self.has_users or self._config.requires_certificate

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for every answer."""
        return self._config.http_server_config.headers

    @property
    def rate_limit(self) -> RequestRate:
        """How many requests are answered."""
        self._refresh()
        return self._config.rate_limit

    def tls(self) -> ssl.SSLContext | None:
        """The context for the next connection; None: it is in the clear."""
        self._refresh()
        return self._context

    def accepts(self, transport: asyncio.Transport) -> bool:
        """Whether the client's certificate has a name that is allowed."""
        return is_allowed_client(self._config, transport.get_extra_info("peercert"))

    async def knows(self, authorization: str | None) -> bool:
        """Whether an Authorization header names a user and the right password (RFC 7617)."""
        user, password = _login(authorization)
        if password is None or len(password) > _MAX_PASSWORD:
            return False
        hashed = self._config.basic_auth_users.get(user)
        parts = (user.encode("utf-8", "surrogateescape"), password, (hashed or "").encode())
        # Lengths keep one login from being another one's (CVE-2022-46146).
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        digest = hmac.digest(self._key, text, hashlib.sha256)
        if digest not in self._known:
            async with self._busy:
                right = await asyncio.to_thread(_matches, password, hashed or _NO_SUCH_USER)
            self._known[digest] = right and hashed is not None
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return self._known[digest]

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked_at < CHECK_SECONDS:
            return
        self._looked_at = now
        if self._stamps() == self._seen:
            return
        try:
            self._read(self._path)
            logger.info("the web configuration file %s was read again", self._path)
        except WebConfigError as error:
            self._seen = self._stamps()
            logger.error("the web configuration file is wrong, the last one stays: %s", error)

    def _read(self, path: Path) -> None:
        self._config, self._context = read_web_config(path)
        self._seen, self._looked_at = self._stamps(), time.monotonic()

    def _stamps(self) -> tuple[object, ...]:
        assert self._path is not None
        return tuple(map(_stamp, files_of(self._path, self._config)))


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _matches(password: bytes, hashed: str) -> bool:
    import bcrypt

    try:
        return bcrypt.checkpw(password, hashed.encode())
    except ValueError:
        return False


def _login(authorization: str | None) -> tuple[str, bytes | None]:
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return "", None
    try:
        text = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return "", None
    user, _, password = text.partition(b":")
    return user.decode("utf-8", "surrogateescape"), password
