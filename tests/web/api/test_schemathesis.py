"""schemathesis against the OpenAPI document of a daemon: no error of ours, no leak."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.daemon.running import daemon

TOKEN = "a-token-for-the-api"
CHECKS = '[[http]]\nname = "page"\nurl = "http://127.0.0.1:9/"\nhold = 0\n'
ENVIRONMENT = {
    "PROBE_API_TOKEN": TOKEN,
    "PROBE_WEB_USER": "ops",
    "PROBE_WEB_PASSWORD": "secret-of-the-pages",
    "PROBE_REGION": "lax",
}
# A valid silence may match nothing, and a valid text may hold what moves a cursor: those are
# refused, which no schema can say. Wrong tokens are answered with 429 soon; test_api sends them.
LEFT_OUT = "positive_data_acceptance,ignored_auth"


@pytest.mark.proof
async def test_no_request_breaks_the_api(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(CHECKS)
    data = {"PROBE_DATA": str(tmp_path / "data")}
    async with daemon(tmp_path, {**ENVIRONMENT, **data}) as running:
        await running.said("page is critical")
        command = (
            *(str(Path(sys.executable).parent / "st"), "run"),
            f"{running.url}/api/v1/openapi.json",
            *("-H", f"Authorization: Bearer {TOKEN}", "--no-color"),
            *("--phases", "coverage,fuzzing", "--max-examples", "15"),
            *("--exclude-checks", LEFT_OUT, "--seed", "1"),
        )
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()[-6000:]
        # A target that fails is an error of the log, and not of the API.
        own = [line for line in running.lines if line["logger"] != "state"]
        assert [line["message"] for line in own if line["level"] == "error"] == []
