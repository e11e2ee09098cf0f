"""The other probers on real servers: tcp, dns, icmp, websocket, and the kinds for WebRTC."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import dns.message
import dns.rcode
import dns.rrset
import pytest
from aiohttp import WSMsgType, web

from probe.config.settings import load_settings
from probe.kinds import KINDS
from probe.lab import Lab
from tests.exporter.asking import config_of, exporter, server_context
from tests.servers.certificate import make_certificate
from tests.servers.pages import Pages, answers, closed_port


@asynccontextmanager
async def lines(*said: str) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that greets with the first line and answers each line with the next."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for text in said:
            writer.write(f"{text}\r\n".encode())
            line = await reader.readline()
            if not line:
                break
            heard.append(line.decode().rstrip("\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


def tcp(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"prober": "tcp", "timeout": "5s", "tcp": {"query_response": list(steps)}}


async def test_tcp_expects_and_sends_what_matched() -> None:
    table = tcp({"expect": "PING :([^ ]+)", "send": "PONG ${1}"}, {"expect": "^001"})
    config = config_of(tables={"irc": table})
    async with lines("PING :abc", "001 welcome") as (port, heard), exporter(config) as asked:
        answer = await asked.probe(f"127.0.0.1:{port}", "irc")
    assert answer.success == 1.0, answer.text
    assert heard[0] == "PONG abc"
    assert answer.samples["probe_failed_due_to_regex"] == 0.0


async def test_tcp_fails_by_the_expression_that_no_line_matches() -> None:
    table = tcp({"expect": "^SSH-2.0-"})
    config = config_of(tables={"ssh": table})
    async with Pages(answers(), listens=False) as pages, exporter(config) as asked:
        answer = await asked.probe(f"127.0.0.1:{pages.port}", "ssh")
        refused = await asked.probe(f"127.0.0.1:{closed_port()}", "tcp_connect")
    assert answer.success == 0.0
    assert answer.samples["probe_failed_due_to_regex"] == 1.0
    assert 'cause="body_invalid",phase="expect"' in answer.why
    assert 'cause="connect_refused",phase="connect"' in refused.why


async def test_tls_shows_the_certificate(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    config = config_of(ca_file=certificate.ca_file)
    tls = server_context(certificate)
    async with Pages(answers(), tls=tls) as pages, exporter(config) as asked:
        answer = await asked.probe(f"localhost:{pages.port}", "tls")
        wrong = await asked.probe(f"127.0.0.1:{pages.port}", "tls", hostname="www.example.org")
    assert answer.success == 1.0, answer.text
    assert answer.samples["probe_ssl_earliest_cert_expiry"] > 1.7e9
    assert any(name.startswith("probe_tls_version_info") for name in answer.samples)
    assert 'cause="tls_invalid",phase="tls"' in wrong.why


class NameServer(asyncio.DatagramProtocol):
    """Answers every query with one A record, or with a code."""

    def __init__(self, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> None:
        self._code = code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.set_rcode(self._code)
        if self._code == dns.rcode.NOERROR:
            name = answer.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.7"))
        self._transport.sendto(answer.to_wire(), address)


@asynccontextmanager
async def name_server(code: dns.rcode.Rcode = dns.rcode.NOERROR) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(code), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def dns_module(**keys: Any) -> dict[str, Any]:
    return {"prober": "dns", "dns": {"query_name": "a.example.org", "query_type": "A", **keys}}


A_RECORD = "^a.example.org.\t300\tIN\tA\t192.0.2.7$"


@pytest.mark.parametrize(
    ("keys", "passes"),
    [
        ({}, True),
        ({"validate_answer_rrs": {"fail_if_not_matches_regexp": [A_RECORD]}}, True),
        ({"validate_answer_rrs": {"fail_if_matches_regexp": ["192.0.2"]}}, False),
        ({"validate_answer_rrs": {"fail_if_none_matches_regexp": ["10.0"]}}, False),
        ({"validate_authority_rrs": {"fail_if_not_matches_regexp": ["."]}}, False),
        ({"valid_rcodes": ["NXDOMAIN"]}, False),
    ],
)
async def test_dns_answers_are_judged_by_their_records(keys: dict[str, Any], passes: bool) -> None:
    config = config_of(tables={"m": dns_module(**keys)})
    async with name_server() as port, exporter(config) as asked:
        answer = await asked.probe(f"127.0.0.1:{port}", "m")
    assert answer.success == float(passes), answer.text
    assert answer.samples["probe_dns_query_succeeded"] == 1.0
    assert answer.samples["probe_dns_answer_rrs"] == 1.0
    assert 'probe_dns_duration_seconds{phase="request"}' in answer.samples


async def test_a_name_server_that_refuses_fails_with_its_code() -> None:
    async with name_server(dns.rcode.REFUSED) as port, exporter() as asked:
        answer = await asked.probe(f"127.0.0.1:{port}", "dns", debug="true")
    assert "REFUSED" in answer.text
    assert 'probe_failure_info{cause="dns_failed",phase="rcode"}' in answer.text


def may_ping() -> bool:
    """Whether this process may send ICMP without privileges."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


async def test_icmp_is_answered_or_says_what_this_process_lacks() -> None:
    module = {"prober": "icmp", "icmp": {"payload_size": 64, "ttl": 5}}
    async with exporter(config_of(tables={"m": module})) as asked:
        found = [await asked.probe("127.0.0.1", each) for each in ("icmp", "m")]
    for answer in found:
        assert answer.status == 200
        if answer.success is None:
            assert not may_ping()
            assert 'cause="own_resources",phase="setup"' in answer.why
        else:
            assert answer.success == 1.0
            assert answer.samples['probe_icmp_duration_seconds{phase="rtt"}'] > 0
            assert answer.samples["probe_icmp_reply_hop_limit"] > 0


@asynccontextmanager
async def echo_socket() -> AsyncIterator[int]:
    """A WebSocket that answers what it is sent."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        served = web.WebSocketResponse()
        await served.prepare(request)
        async for message in served:
            if message.type == WSMsgType.TEXT:
                await served.send_str(f"echo {message.data}")
        return served

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_a_websocket_is_opened_and_answers() -> None:
    table = {"prober": "websocket", "websocket": {"send": "hi", "expect": "^echo hi$"}}
    async with echo_socket() as port, exporter(config_of(tables={"m": table})) as asked:
        bare = await asked.probe(f"ws://127.0.0.1:{port}/ws", "websocket")
        spoken = await asked.probe(f"127.0.0.1:{port}/ws", "m")
        missing = await asked.probe(f"ws://127.0.0.1:{port}/no", "websocket")
    assert (bare.success, spoken.success) == (1.0, 1.0)
    assert bare.samples["probe_http_status_code"] == 101
    assert 'cause="http_status",phase="handshake"' in missing.why


@asynccontextmanager
async def lab() -> AsyncIterator[tuple[Lab, dict[str, str]]]:
    async with Lab() as started:
        yield started, started.environment()


RTC = ("turn_udp", "turn_tcp", "turn_tls", "turn_allocate", "relay", "call")


async def test_the_relays_of_the_plan_are_probed_with_the_plans_credentials() -> None:
    async with lab() as (_, environment):
        settings = load_settings(KINDS, environment, alone=True)
        paircam = {"namespace": "/signaling", "ready_event": "connected"}
        tables = {"paircam": {"prober": "socketio", "socketio": paircam}}
        config = config_of(ca_file=Path(environment["PROBE_CA_FILE"]), tables=tables)
        by_way = dict(
            zip(("udp", "tcp", "tls"), environment["TURN_URLS"].split(",")[-3:], strict=False)
        )
        async with exporter(config, settings.plan.checks) as asked:
            for module in RTC:
                url = by_way.get(module.removeprefix("turn_"), by_way["udp"])
                answer = await asked.probe(url, module)
                assert answer.success == 1.0, f"{module}: {answer.text}"
            relay = await asked.probe(by_way["udp"], "relay")
            signaling = await asked.probe(environment["BACKEND_URL"], "socketio")
            application = await asked.probe(environment["BACKEND_URL"], "paircam")
    assert relay.samples["probe_turn_relay_rtt_seconds"] > 0
    assert relay.samples["probe_ip_protocol"] == 4.0
    assert signaling.success == 1.0, signaling.text
    assert application.success == 1.0, application.text


async def test_credentials_of_a_module_are_for_its_hosts() -> None:
    def turn(host: str, password: str) -> dict[str, Any]:
        login = {"host": host, "username": "probe", "password": password}
        return {"prober": "turn", "timeout": "5s", "turn": {"credentials": [login]}}

    async with lab() as (_, environment):
        password, url = environment["TURN_PASSWORD"], environment["TURN_URLS"].split(",")[-3]
        tables = {
            "right": turn("127.0.0.*", password),
            "wrong": turn("*", "hunter22"),
            "other": turn("*.example.org", password),
        }
        async with exporter(config_of(tables=tables)) as asked:
            right, wrong, other = [await asked.probe(url, name) for name in tables]
            debug = await asked.probe(url, "wrong", debug="true")
    assert right.success == 1.0
    assert 'cause="auth_rejected",phase="allocate"' in wrong.why
    assert 'cause="credentials_missing",phase="allocate"' in other.why
    assert "hunter22" not in debug.text
