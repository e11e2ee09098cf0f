"""What two sides of a call exchange through a signaling server, as browsers write it.

An offer or answer is ``{"type", "sdp"}``, a candidate ``{"candidate", "sdpMid",
"sdpMLineIndex"}`` (W3C webrtc-pc, RTCSessionDescriptionInit and RTCIceCandidateInit). What
comes back is read with care: a server may send anything.
"""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from msgspec import Struct

from probe.call.endpoint import SCTP_PORT, CallEndpoint
from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.ice.connectivity_check import IceCredentials
from probe.ice.relay_pair import RelayPairIce
from probe.stun.message import PeerAddress

# After probe.call.endpoint, which leaves aiortc's codecs out.
from aiortc.rtcdtlstransport import RTCDtlsParameters  # isort: skip
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters  # isort: skip
from aiortc.rtcsctptransport import RTCSctpCapabilities  # isort: skip
from aiortc.sdp import (  # isort: skip
    GroupDescription,
    MediaDescription,
    SessionDescription,
    candidate_from_sdp,
    candidate_to_sdp,
)

MID = "0"
# RFC 8445 section 5.1.2.1: type preference 0 of a relayed candidate, component 1.
RELAYED_PRIORITY = (65535 << 8) | 255

Kind = Literal["offer", "answer"]


class SdpDescription(Struct, frozen=True):
    """The other side: its ICE credentials and the fingerprint of its certificate."""

    login: IceCredentials
    dtls: RTCDtlsParameters


def describe(peer: CallEndpoint, ice: RelayPairIce, kind: Kind) -> dict[str, str]:
    """A session with one data channel; candidates follow on their own, as they are found."""
    media = MediaDescription("application", 9, "UDP/DTLS/SCTP", ["webrtc-datachannel"])
    media.host, media.rtp.muxId = "0.0.0.0", MID
    media.sctp_port, media.sctpCapabilities = SCTP_PORT, RTCSctpCapabilities(65536)
    media.ice = RTCIceParameters(ice.login.fragment, ice.login.password)
    media.ice_options = "trickle"
    # RFC 8842 section 5: who offers takes either role, who answers is the client.
    role = "auto" if kind == "offer" else "client"
    media.dtls = replace(peer.dtls.getLocalParameters(), role=role)
    session = SessionDescription()
    session.origin = f"- {secrets.randbits(62)} 2 IN IP4 0.0.0.0"
    session.group = [GroupDescription("BUNDLE", [MID])]
    session.media = [media]
    return {"type": kind, "sdp": str(session)}


def read_description(data: object, kind: Kind) -> SdpDescription:
    """Raises CheckFailed(protocol_error) for what is no description."""
    try:
        text = data["sdp"] if isinstance(data, Mapping) else None
        media = SessionDescription.parse(str(text)).media[0]
        ice = media.ice or RTCIceParameters()
        fragment, password = ice.usernameFragment, ice.password
        if not (fragment and password and media.dtls and media.dtls.fingerprints):
            raise ValueError("incomplete")
    except Exception:
        # The parser stumbles in many ways over what is no SDP.
        raise CheckFailed(Cause.PROTOCOL_ERROR, f"the {kind} arrives damaged") from None
    return SdpDescription(IceCredentials(fragment, password), media.dtls)


def describe_candidate(ice: RelayPairIce) -> dict[str, Any]:
    """The relayed candidate, once it has been gathered."""
    host, port = ice.address
    candidate = RTCIceCandidate(
        component=1,
        foundation="1",
        ip=host,
        port=port,
        priority=RELAYED_PRIORITY,
        protocol="udp",
        type="relay",
        # RFC 8839 section 5.1: they have to be there, and may hide our own address.
        relatedAddress="0.0.0.0",
        relatedPort=0,
    )
    text = f"candidate:{candidate_to_sdp(candidate)}"
    return {"candidate": text, "sdpMid": MID, "sdpMLineIndex": 0}


def read_candidate(data: object) -> PeerAddress:
    """Where the other side's relay is. Raises CheckFailed(protocol_error)."""
    try:
        text = data["candidate"] if isinstance(data, Mapping) else None
        candidate = candidate_from_sdp(str(text).removeprefix("candidate:"))
        ipaddress.IPv4Address(candidate.ip)
    except Exception:
        raise CheckFailed(Cause.PROTOCOL_ERROR, "the candidate arrives damaged") from None
    return candidate.ip, candidate.port
