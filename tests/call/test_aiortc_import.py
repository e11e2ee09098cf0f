"""aiortc is loaded without codecs and SRTP, works, and leaves PyAV and pylibsrtp to others."""

import subprocess
import sys

import pytest

from probe.call import no_srtp

CALL = """
import asyncio, sys
from probe.call import local_call
from probe.stun.browser_timing import PhaseTimeouts
from probe.core.context import Context
from probe.core.recorder import Recorder
assert not [name for name in sys.modules if name.split(".")[0] in ("av", "pylibsrtp")]
async def main():
    record = Recorder()
    context = Context()
    bounds = PhaseTimeouts.as_browsers(20)
    async with local_call.Call(None, record, context, bounds=bounds) as call:
        await call.gather()
        if call.has_candidates:
            await call.connect()
            await call.echo(3)
    print("echoes", len(call.times.rtts) if call.has_candidates else 3)
asyncio.run(main())
"""
OTHERS = """
import probe.call.endpoint
import av
print(av.VideoFrame.__module__)
"""
FIRST = """
import av
import probe.call.endpoint
print(av.VideoFrame.__module__)
"""


SRTP = """
import probe.call.endpoint
import pylibsrtp
from probe.call import no_srtp
names = [name for name in vars(no_srtp.SrtpPolicy) if name.isupper()]
assert len(names) == 6
assert all(getattr(pylibsrtp.Policy, name) == getattr(no_srtp.SrtpPolicy, name) for name in names)
print(pylibsrtp.Session.__module__)
"""
PROFILES = """
import {first}
import probe.call.endpoint
from aiortc.rtcdtlstransport import SRTP_PROFILES
print(*(profile.openssl_profile.decode() for profile in SRTP_PROFILES))
"""


LOADED = """
import sys
from probe.call import local_call, sdp
unused = "aiortc.rtcpeerconnection aiortc.codecs bcrypt dns.rdtypes dns.rrset".split()
print(sys.modules.keys() & set(unused))
import bcrypt
import aiortc
print(aiortc.RTCPeerConnection.__module__, aiortc.RTCCertificate is local_call.RTCCertificate)
print(sys.modules.keys() & {"av", "pylibsrtp"})
"""
MDNS = """
import asyncio
from probe.ice import aioice_import
from aioice import mdns
async def main():
    sent = []
    class Transport(asyncio.DatagramTransport):
        def sendto(self, data, address=None):
            sent.append(data)
    protocol = mdns.MDnsProtocol()
    protocol.connection_made(Transport())
    waiting = asyncio.get_running_loop().create_future()
    dns = mdns.dns
    protocol.queries[dns.name.from_text("a.local")] = {waiting}
    query = dns.message.make_query("a.local", "A")
    protocol.datagram_received(query.to_wire(), ("192.0.2.2", 5353))
    answer = dns.message.make_response(query)
    data = dns.rdata.GenericRdata(mdns.MDNS_RDCLASS, dns.rdatatype.A, bytes((192, 0, 2, 1)))
    answer.answer.append(dns.rrset.from_rdata(dns.name.from_text("a.local"), 120, data))
    protocol.datagram_received(answer.to_wire(), ("192.0.2.2", 5353))
    print(await waiting, sent)
asyncio.run(main())
"""


def run(script: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_call_works_and_neither_codecs_nor_srtp_are_loaded() -> None:
    assert run(CALL) == "echoes 3"


def test_what_calls_do_not_use_is_loaded_by_who_uses_it() -> None:
    loaded, package, media = run(LOADED).splitlines()
    assert loaded == media == "set()"
    assert package == "aiortc.rtcpeerconnection True"


def test_names_of_mdns_are_understood_by_what_is_loaded_then() -> None:
    assert run(MDNS) == "192.0.2.1 []"


@pytest.mark.parametrize("script", [OTHERS, FIRST])
def test_whoever_imports_pyav_gets_the_real_one(script: str) -> None:
    assert run(script).startswith("av.")


def test_whoever_imports_pylibsrtp_gets_the_real_one_with_the_same_numbers() -> None:
    assert run(SRTP) == "pylibsrtp"


def test_dtls_offers_the_srtp_profiles_that_it_offers_with_pylibsrtp() -> None:
    assert run(PROFILES.format(first="sys")) == run(PROFILES.format(first="pylibsrtp"))


@pytest.mark.parametrize("name", ["protect", "protect_rtcp", "unprotect", "unprotect_rtcp"])
def test_a_packet_that_looks_like_srtp_is_not_authentic(name: str) -> None:
    session = no_srtp.SrtpSession(no_srtp.SrtpPolicy(key=bytes(28), ssrc_type=2, srtp_profile=1))
    with pytest.raises(no_srtp.SrtpError):
        getattr(session, name)(b"\x80" + bytes(40))
