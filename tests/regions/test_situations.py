"""Situations with real daemons keep their promises: twelve at least with `make proof`, all of them
with `make nightly`."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.regions.__main__ import SITUATIONS

ROOT = Path(__file__).parents[2]
PROOF = [each.name for each in SITUATIONS.values() if each.proof]
# So many clusters at the same time: mostly they wait.
AT_ONCE = 6
# Longer than any situation on a machine that does much else.
MAX_SECONDS = 900.0


async def outcome(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of one run, in a network of its own."""
    return await outcome_of("tests.regions", *arguments)


async def outcome_of(module: str, *arguments: str) -> tuple[int, str]:
    """The same of another program."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(MAX_SECONDS):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace")


async def broken(names: list[str]) -> dict[str, str]:
    """The output of every situation whose promise was broken."""
    free = asyncio.Semaphore(AT_ONCE)

    async def run(name: str) -> tuple[int, str]:
        async with free:
            return await outcome("situation", name)

    found = await asyncio.gather(*map(run, names))
    return {name: out for name, (code, out) in zip(names, found, strict=True) if code}


def test_at_least_twelve_situations_are_proven() -> None:
    assert len(PROOF) >= 12
    assert all(each.promise for each in SITUATIONS.values())


@pytest.mark.proof
@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(3600)
async def test_twelve_situations_keep_their_promises() -> None:
    failed = await broken(PROOF)
    assert not failed, "\n".join(failed.values())


@pytest.mark.nightly
@pytest.mark.usefixtures("netns")
@pytest.mark.timeout(3600)
async def test_all_situations_keep_their_promises() -> None:
    failed = await broken(list(SITUATIONS))
    assert not failed, "\n".join(failed.values())
