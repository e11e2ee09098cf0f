"""How old the configured secrets are, and whether they could be guessed.

An age is the given date's, or how long ago a secret was first seen: its fingerprint is remembered,
an scrypt hash with a salt of this folder's own. The secret itself is not stored, and a fingerprint
can't be searched for faster than scrypt allows.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from datetime import time as day_time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import Context
from probe.kinds.security.findings import Findings
from probe.kinds.security.settings import SecurityTable
from probe.kinds.security.signals import DAY, MAX_AGE, SECRET_AGE

FILE = "secret_fingerprints.json"
# RFC 7518 3.2: a key of HS256 has 256 bits at least. As text of random characters that is more.
MIN_CHARACTERS = 32
_SIGNING = ("JWT_SECRET", "TURN_SHARED_SECRET", "TURN_BACKUP_SHARED_SECRET")
_GUESSABLE = ("secret", "changeme", "change-me", "password", "your-", "example", "test", "jwt")
_COST = {"n": 2**14, "r": 8, "p": 1}
# More than there are variables of secrets.
_MAX_FINGERPRINTS = 64


async def secrets(table: SecurityTable, found: Findings, context: Context) -> None:
    """Weak and old secrets, by the name of their variable."""
    plain = {name: _secret_part(value) for name, value in table.secrets.items()}
    known = {name: value for name, value in plain.items() if value}
    first_seen: Mapping[str, float] = {}
    if table.memory is not None:
        work = (table.memory, known, context.now(), context.repeats)
        first_seen = await asyncio.to_thread(remembered, *work)
    for name, value in known.items():
        if name in _SIGNING and (weakness := weakness_of(value)):
            found.failed(name, Cause.SECRET_WEAK, f"{name} {weakness}")
        since = _since(name, table, first_seen)
        if since is not None:
            _judge_age(name, context.now() - since, name in table.dates, found)


def _judge_age(name: str, age: float, given: bool, found: Findings) -> None:
    found.record.sample(SECRET_AGE, max(age, 0.0), secret=name)
    evidence = f"{name} is {'' if given else 'at least '}{max(age, 0) / DAY:.0f} days old"
    if age > MAX_AGE:
        found.failed(f"{name} age", Cause.SECRET_OLD, f"{evidence}, 90 are allowed")
    else:
        found.passed(f"{name} age", evidence)


def _since(name: str, table: SecurityTable, first_seen: Mapping[str, float]) -> float | None:
    if name in table.dates:
        return datetime.combine(table.dates[name], day_time(), UTC).timestamp()
    return first_seen.get(name)


def _secret_part(secret: SecretStr) -> str:
    """The password of an address, any other secret as it is."""
    text = secret.get_secret_value()
    return unquote(urlsplit(text).password or "") if "://" in text else text


def weakness_of(secret: str) -> str:
    """Why a signing key can be guessed; empty: it can't."""
    if any(guess in secret.lower() for guess in _GUESSABLE) and len(set(secret)) < 20:
        return "is a word of an example"
    if len(secret) < MIN_CHARACTERS:
        return f"has {len(secret)} characters, {MIN_CHARACTERS} are needed (RFC 7518 3.2)"
    if len(set(secret)) < 8:
        return f"is made of {len(set(secret))} different characters"
    return ""


def remembered(
    folder: Path, secrets: Mapping[str, str], now: float, may_write: bool
) -> Mapping[str, float]:
    """When each secret was first seen, in seconds since 1970; new ones are remembered in the
    daemon alone. A file that can't be read or written is begun anew, or left out."""
    path = folder / FILE
    stored = _read(path)
    salt = bytes.fromhex(stored["salt"]) if stored else os.urandom(16)
    old: Mapping[str, Any] = stored["secrets"] if stored else {}
    found: dict[str, dict[str, Any]] = {}
    for name, value in secrets.items():
        digest = _fingerprint(value, salt)
        known = old.get(name, {})
        same = known.get("fingerprint") == digest
        found[name] = {"fingerprint": digest, "since": known["since"] if same else now}
    if may_write and found != old:
        _write(path, {"salt": salt.hex(), "secrets": {**old, **found}})
    elif not may_write:
        found = {name: each for name, each in found.items() if each["since"] != now}
    return {name: float(each["since"]) for name, each in found.items()}


@lru_cache(maxsize=_MAX_FINGERPRINTS)
def _fingerprint(secret: str, salt: bytes) -> str:
    """Made once for each secret and process: it takes 50 ms of CPU, and 16 MiB for as long."""
    return hashlib.scrypt(secret.encode("utf-8", "surrogateescape"), salt=salt, **_COST).hex()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        bytes.fromhex(stored["salt"])
        if all(float(each["since"]) > 0 for each in stored["secrets"].values()):
            return dict(stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Readable for the owner alone; a full disk costs the memory, not the check."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
