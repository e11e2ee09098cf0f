"""What aiortc's DTLS takes from pylibsrtp, where a call carries no media of aiortc's.

aiortc makes two sessions from the keys of a handshake and gives them the packets that look like
SRTP (RFC 5764, 5.1.2). Here none of them can be authentic, and none is sent.
"""

from typing import NoReturn


class SrtpError(Exception):
    """What libsrtp could not do."""


class SrtpPolicy:
    """How one SRTP stream would be protected; the numbers are libsrtp's (srtp.h)."""

    SRTP_PROFILE_AES128_CM_SHA1_80 = 1
    SRTP_PROFILE_AES128_CM_SHA1_32 = 2
    SRTP_PROFILE_AEAD_AES_128_GCM = 7
    SRTP_PROFILE_AEAD_AES_256_GCM = 8
    SSRC_ANY_INBOUND = 2
    SSRC_ANY_OUTBOUND = 3

    allow_repeat_tx = False
    window_size = 0

    def __init__(self, key: bytes | None = None, ssrc_type: int = 0, srtp_profile: int = 1) -> None:
        """The keys are not kept."""


class SrtpSession:
    """Protects and accepts no packet."""

    def __init__(self, policy: SrtpPolicy) -> None:
        """There is nothing to set up."""

    def unprotect(self, packet: bytes) -> NoReturn:
        """Raises SrtpError: a packet that is not known to be authentic."""
        raise SrtpError("authentication failure")

    unprotect_rtcp = unprotect

    def protect(self, packet: bytes) -> NoReturn:
        """Raises SrtpError: no media is sent."""
        raise SrtpError("unsupported operation")

    protect_rtcp = protect


# By the names that pylibsrtp has for them.
NAMES = {"Error": SrtpError, "Policy": SrtpPolicy, "Session": SrtpSession}
