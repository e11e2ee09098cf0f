"""``probe turn --credentials`` examines what a provider names, and says what of it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from probe.cli import cli
from tests.kinds.turn.issued.issuer_account import variables
from tests.servers.providers.issuers import KEY, Issuers, issuers
from tests.servers.providers.metered import API_KEY, metered
from tests.turn.bent_server import PASSWORD, USERNAME, BentServer


@pytest.fixture
async def api(server: BentServer) -> AsyncIterator[Issuers]:
    urls = [server.url(), server.url("tcp")]
    async with issuers(urls=urls, username=USERNAME, credential=PASSWORD) as found:
        yield found


async def run(env: dict[str, str], *arguments: str) -> Result:
    """The command in a thread of its own, next to the servers of the test."""
    given = ["turn", "--no-throughput", "--format", "json", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, cli, given, env=env)


async def test_what_a_provider_names_is_examined_by_each_transport(
    server: BentServer, api: Issuers
) -> None:
    result = await run(variables("xirsys", api.url), "--credentials", "xirsys")
    findings = json.loads(result.output)["findings"]
    first = findings[0]
    assert (first["name"], first["status"]) == ("credentials", "ok")
    assert first["data"]["urls"] == [server.url(), server.url("tcp")]
    accepted = [each["url"] for each in findings if each["name"] == "authentication"]
    assert len(accepted) == 2
    assert result.exit_code == 0
    assert KEY not in result.output


async def test_with_a_url_only_the_credentials_are_taken(server: BentServer, api: Issuers) -> None:
    api.urls = ["turn:127.0.0.1:9"]
    result = await run(
        variables("turn-rest", api.url), "--credentials", "turn-rest", server.url("tcp")
    )
    urls = {each["url"] for each in json.loads(result.output)["findings"] if each["url"]}
    assert urls == {server.url("tcp")}


async def test_an_account_at_metered_is_one_of_them(server: BentServer) -> None:
    login = {"username": USERNAME, "credential": PASSWORD}
    async with metered(servers=[{"urls": server.url("tcp"), **login}]) as api:
        env = {"METERED_URL": api.url, "METERED_API_KEY": API_KEY}
        result = await run(env, "--credentials", "metered")
    assert result.exit_code == 0
    assert API_KEY not in result.output


async def test_a_provider_that_refuses_is_the_whole_answer(api: Issuers) -> None:
    result = await run(variables("twilio", api.url, key="wrong"), "--credentials", "twilio")
    (found,) = json.loads(result.output)["findings"]
    assert (found["cause"], result.exit_code) == ("auth_rejected", 2)
    assert "TWILIO_TURN_AUTH_TOKEN" in found["fix"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a URL, or --credentials"),
        (("--credentials", "cloudflare"), "CLOUDFLARE_TURN_KEY_ID is not set"),
        (("--credentials", "metered"), "METERED_APP is not set"),
        (("--credentials", "turn-rest"), "TURN_REST_URL is not set"),
    ],
)
async def test_what_is_missing_is_named(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = await run({}, *arguments)
    assert result.exit_code == 64
    assert said in result.output
