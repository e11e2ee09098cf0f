"""Runs of the signaling check, as the tests need them."""

import gc
from collections.abc import AsyncIterator
from typing import Any

import engineio
import pytest

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Failure, Result
from probe.core.runner import preload, run_check
from probe.kinds.signaling import KIND, SignalingTable
from tests.leaks import Footprint, left_behind

OPENING = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'


@pytest.fixture
async def quiet(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[None]:
    """Nothing is left behind, nothing is logged and nothing appears on stderr."""
    before = Footprint.now()
    # Only what the test makes is collected in its end: all that is imported takes long to visit.
    gc.freeze()
    try:
        yield
        assert await left_behind(before) == []
        # Tasks and connections that were not closed warn when they are collected.
        gc.collect()
    finally:
        gc.unfreeze()
    assert not engineio.base_client.connected_clients
    ours = [
        record for record in caplog.records if record.name.split(".")[0] in ("probe", "asyncio")
    ]
    assert ours == []
    assert capsys.readouterr().err == ""


def check(url: str, **settings: Any) -> Check:
    return Check(KIND, SignalingTable.model_validate({"name": "signaling", "url": url, **settings}))


async def run(url: str, context: Context | None = None, **settings: Any) -> Result:
    preload([check(url, **settings)])
    return await run_check(check(url, **settings), context or Context())


def failure_of(result: Result) -> Failure:
    assert result.failure is not None, result
    return result.failure


def values(result: Result) -> dict[str, float]:
    return {sample.signal.name: sample.value for sample in result.samples}
