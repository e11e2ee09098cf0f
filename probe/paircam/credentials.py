"""What the backend issues, read with care: tokens and TURN credentials."""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.paircam.settings import parse_duration
from probe.paircam.token_signing import signed
from probe.untrusted.javascript_json import parse_response
from probe.untrusted.javascript_text import javascript_text
from probe.untrusted.json_document import InvalidDocument, parse_json


class IssuedCredentials(Struct, frozen=True):
    """What ``POST /turn/credentials`` gives to a browser."""

    urls: tuple[str, ...]
    username: str
    credential: SecretStr


def mint(secret: SecretStr, device: str, now: float, lifetime: float) -> tuple[SecretStr, float]:
    """A token such as the backend signs, and its lifetime in seconds."""
    issued = int(now)
    claims = {"sub": device, "deviceId": device, "iat": issued, "exp": int(issued + lifetime)}
    # The length of the operators' secret is not ours to judge.
    return SecretStr(signed(claims, secret.get_secret_value().encode())), lifetime


def parse(raw: bytes, path: str) -> object:
    """The JSON of an answer as a page reads it (Fetch standard, ``json()``): UTF-8, whatever the
    charset. Raises CheckFailed(body_invalid)."""
    try:
        return parse_response(raw)
    except InvalidDocument as error:
        raise CheckFailed(Cause.BODY_INVALID, f"POST {path} answers no JSON: {error}") from None


def read_token(answer: object, now: float) -> tuple[SecretStr, float]:
    """The token of ``{"accessToken", "expiresIn"}`` and its lifetime in seconds.

    Raises CheckFailed(body_invalid).
    """
    token = answer.get("accessToken") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
        raise CheckFailed(Cause.BODY_INVALID, "POST /auth/token answers no accessToken")
    assert isinstance(answer, dict)
    lifetime = _claimed_lifetime(token, now)
    return SecretStr(token), _stated(answer) if lifetime is None else lifetime


def _claimed_lifetime(token: str, now: float) -> float | None:
    """The seconds between ``iat`` and ``exp`` (RFC 7519); None where it has no such claims."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    payload = parts[1]
    try:
        claims = parse_json(base64.b64decode(payload + "=" * (-len(payload) % 4), b"-_"))
        issued, expires = float(claims.get("iat", now)), float(claims["exp"])
    except (binascii.Error, InvalidDocument, AttributeError, KeyError, TypeError, ValueError):
        return None
    return max(0.0, expires - issued)


def _stated(answer: Mapping[str, Any]) -> float:
    """What ``expiresIn`` says; a token of unknown age is not kept."""
    try:
        stated = parse_duration(answer.get("expiresIn"))
    except ValueError:
        return 0.0
    if isinstance(stated, int | float) and math.isfinite(stated):
        return float(stated)
    return 0.0


def read_credentials(answer: object, now: float) -> IssuedCredentials:
    """The credentials of an answer, if a browser could use them.

    What a page hands to ``RTCPeerConnection`` becomes text there, a number too (Web IDL), and no
    browser needs a ``ttl``. Raises CheckFailed(body_invalid, credentials_missing,
    credentials_expired).
    """
    given = answer if isinstance(answer, dict) else {}
    wrong = [name for name in ("credential", "urls", "username") if name not in given]
    if wrong:
        said = ", ".join(wrong) if given else "no object"
        message = f"POST /turn/credentials answers no usable credentials: {said}"
        raise CheckFailed(Cause.BODY_INVALID, message)
    urls = given["urls"]
    issued = IssuedCredentials(
        tuple(map(javascript_text, urls if isinstance(urls, list) else [urls])),
        javascript_text(given["username"]),
        SecretStr(javascript_text(given["credential"])),
    )
    if not any(url.strip() for url in issued.urls):
        raise CheckFailed(
            Cause.CREDENTIALS_MISSING,
            "the backend issues credentials without a server: urls is empty",
            hint="Set TURN_URLS in the backend's environment.",
        )
    # The time-limited form of TURN servers with a shared secret: <unix expiry>:<device>.
    expiry = re.match(r"(\d{9,11}):", issued.username)
    if expiry and float(expiry[1]) <= now:
        late = now - float(expiry[1])
        hint = "Compare the clocks of the backend and of the probe."
        message = f"the backend issues credentials that expired {late:.0f} s ago"
        raise CheckFailed(Cause.CREDENTIALS_EXPIRED, message, hint=hint)
    return issued
