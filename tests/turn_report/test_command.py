"""``probe turn URL`` works without configuration and says what it found, to people and programs."""

import json

import pytest
from click.testing import CliRunner, Result

from probe.cli import cli
from probe.turn_report import relaying
from probe.turn_report.names import read_target
from tests.turn.bent_server import PASSWORD, USERNAME, BentServer, bent_server


async def run(*arguments: str) -> Result:
    """The command in a thread of its own, next to the servers of the test."""
    import asyncio

    return await asyncio.to_thread(CliRunner().invoke, cli, ["turn", *arguments])


LOGIN = ("--user", USERNAME, "--password", PASSWORD)


async def test_a_screen_for_people(server: BentServer) -> None:
    result = await run(server.url(), *LOGIN, "--no-throughput")
    assert result.exit_code == 0
    assert result.output.startswith(f"WARNING  {server.url()}\n")
    assert "✓ echo" in result.output
    assert "! private peers" in result.output
    assert PASSWORD not in result.output.split()


async def test_a_document_for_programs(server: BentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "THROUGHPUT_SECONDS", 0.3)
    result = await run(server.url("tcp"), *LOGIN, "--format", "json")
    document = json.loads(result.output)
    found = {each["name"]: each for each in document["findings"]}
    assert (document["schema"], document["verdict"]) == (1, "warning")
    assert found["throughput"]["data"]["bits_per_second"] > 0
    assert found["mtu"]["data"] == {"bytes": 1200}
    assert 1 <= found["mos"]["data"]["mos"] <= 4.5
    assert "127.0.0.1 (loopback)" in found["private_peers"]["data"]["accepted"]


@pytest.mark.parametrize(
    ("options", "name", "cause"),
    [
        ({"open_relay": True}, "open_relay", None),
        ({"forward_padding": True}, "echo", "payload_altered"),
        ({"largest": 1000}, "mtu", "large_packets_lost"),
        ({"channel_error": 400}, "permissions", "allocation_refused"),
        ({"without": frozenset({"LIFETIME"})}, "authentication", "protocol_error"),
    ],
)
async def test_what_ruins_calls_is_named(
    options: dict[str, object], name: str, cause: str | None
) -> None:
    async with bent_server(**options) as server:  # type: ignore[arg-type]
        result = await run(server.url("tcp"), *LOGIN, "--format", "json", "--no-throughput")
    found = [each for each in json.loads(result.output)["findings"] if each["name"] == name]
    assert [each["cause"] for each in found if each["status"] in ("warning", "critical")] == [cause]
    assert all(each["fix"] for each in found if each["status"] != "ok")


async def test_nothing_there_is_critical() -> None:
    result = await run("turn:127.0.0.1:1?transport=tcp")
    assert result.exit_code == 2
    assert "[connect_refused]" in result.output


@pytest.mark.parametrize("url", ["turn://h", "http://h", "turn:h:99999", "turn:u:secret@h"])
async def test_what_is_no_url_is_a_wrong_call(url: str) -> None:
    result = await run(url)
    assert result.exit_code == 64
    assert "secret" not in result.output


def test_a_host_alone_stands_for_all_three_ways_in() -> None:
    target = read_target("relay.example.org")
    assert [url.kind for url in target.urls] == ["udp", "tcp", "tls"]
    assert target.srv_name == "relay.example.org"


@pytest.mark.parametrize(
    ("text", "name"), [("turn:h", "h"), ("turn:h:3478", ""), ("turns:h:443", ""), ("turns:h", "h")]
)
def test_a_port_that_is_given_needs_no_srv_record(text: str, name: str) -> None:
    assert read_target(text).srv_name == name
