"""Remote write by Prometheus' agent, as the documentation has it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests import requirements
from tests.daemon.running import daemon
from tests.servers.pages import Pages, answers
from tests.servers.ports import free_port
from tests.servers.scraping.scraper import Scraper

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"

# Prometheus 2's.
AGENT_OF_2 = "--enable-feature=agent"


async def agent_mode(program: str) -> str:
    """Its option, which is another one from Prometheus 3 on."""
    asked = await asyncio.create_subprocess_exec(program, "--help", stdout=asyncio.subprocess.PIPE)
    text = (await asked.communicate())[0].decode()
    return "--agent" if re.search(r"^ +--(\[no-\])?agent ", text, re.MULTILINE) else AGENT_OF_2


@asynccontextmanager
async def agent(folder: Path, probe: str, receiver: str) -> AsyncIterator[None]:
    """The documented configuration, with the addresses of this test and a shorter interval."""
    found = re.search(r"```yaml\n(# agent.yml.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    config = yaml.safe_load(found[1])
    config["global"] = {"scrape_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [probe]
    config["remote_write"][0]["url"] = f"{receiver}/api/v1/write"
    (folder / "agent.yml").write_text(yaml.safe_dump(config))
    program = requirements.program("prometheus", part="prometheus")
    process = await asyncio.create_subprocess_exec(
        program,
        await agent_mode(program),
        f"--config.file={folder / 'agent.yml'}",
        f"--storage.agent.path={folder / 'agent'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.proof
@pytest.mark.parts
async def test_an_agent_next_to_the_probe_forwards_its_metrics(tmp_path: Path) -> None:
    async with Pages(answers()) as pages:
        (tmp_path / "probe.toml").write_text(f'[[http]]\nname = "page"\nurl = "{pages.url}"\n')
        receiving = ("--web.enable-remote-write-receiver",)
        async with (
            daemon(tmp_path, {}) as running,
            Scraper(tmp_path, jobs={}, options=receiving) as server,
            agent(tmp_path, running.url.removeprefix("http://"), server.url),
        ):
            found = await server.until('probe_success{check="page"}')
    assert found[0]["metric"]["job"] == "probe"
    assert found[0]["value"][1] == "1"
