"""The backend's tokens and TURN credentials, as PairCam makes them."""

import base64
import hashlib
import hmac
import math

import jwt
from jwt.types import Options
from msgspec import Struct

TOKEN_SECONDS = 300
CREDENTIAL_SECONDS = 3600

# The library asks the system's clock, not ours.
_ANY_TIME: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}


class Tokens(Struct, frozen=True):
    """Makes and reads what one backend hands out; times are in seconds since 1970."""

    jwt_secret: str
    turn_secret: str

    def issue(self, device: str, now: float) -> str:
        """A token over ``{sub, deviceId, iat, exp}``, HS256."""
        claims = {
            "sub": device,
            "deviceId": device,
            "iat": int(now),
            "exp": int(now) + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256")

    def device(self, bearer: str, now: float) -> str | None:
        """The device of ``Bearer <token>``, or None where it is missing, wrong or expired."""
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            claims = jwt.decode(token, self.jwt_secret, algorithms=["HS256"], options=_ANY_TIME)
        except jwt.InvalidTokenError:
            return None
        expiry = claims.get("exp", math.inf)
        alive = isinstance(expiry, int | float) and now < expiry
        return str(claims.get("deviceId", "")) if alive else None

    def turn_credentials(self, device: str, now: float, state: str) -> tuple[str, str]:
        """User name and password of the time-limited form; ``state`` is ok, expired or wrong."""
        expiry = int(now) + (-CREDENTIAL_SECONDS if state == "expired" else CREDENTIAL_SECONDS)
        username = f"{expiry}:{device}"
        secret = self.turn_secret if state != "wrong" else f"not {self.turn_secret}"
        digest = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
        return username, base64.b64encode(digest).decode()
