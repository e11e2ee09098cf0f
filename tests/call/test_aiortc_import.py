"""aiortc is loaded without its codecs, works, and leaves PyAV to others."""

import subprocess
import sys

import pytest

CALL = """
import asyncio, sys
from probe.call import local_call
from probe.core.context import Context
from probe.core.recorder import Recorder
assert not [name for name in sys.modules if name.split(".")[0] == "av"]
async def main():
    record = Recorder()
    context = Context()
    bounds = local_call.PhaseTimeouts.within(20)
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


def run(script: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_call_works_and_no_codec_is_loaded() -> None:
    assert run(CALL) == "echoes 3"


@pytest.mark.parametrize("script", [OTHERS, FIRST])
def test_whoever_imports_pyav_gets_the_real_one(script: str) -> None:
    assert run(script).startswith("av.")
