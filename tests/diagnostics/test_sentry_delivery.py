"""The way to Sentry: its address, how it refuses, and how the process ends meanwhile."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from probe.diagnostics import sentry as errors
from probe.diagnostics import sentry_transport
from probe.diagnostics.redact import Redactor
from tests.servers.pages import closed_port
from tests.servers.providers.dripping import PIECES, dripping
from tests.servers.providers.sentry import KEY, Sentry, sdk_apart

ROOT = Path(__file__).parent.parent
logger = logging.getLogger("probe.test_errors_delivery")


@pytest.fixture(autouse=True)
def _sdk_apart() -> Iterator[None]:
    with sdk_apart():
        yield


def start(sentry: Sentry) -> None:
    """Report to this server."""
    assert errors.start(
        sentry.dsn,
        release="0.1.0",
        environment="test",
        region="lax",
        redactor=Redactor(),
    )


async def test_starting_again_does_not_report_twice() -> None:
    async with Sentry() as sentry:
        start(sentry)
        start(sentry)
        logger.error("once")
        await errors.close()
        assert len(sentry.of("event")) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"status": 429, "headers": ("Retry-After: 60",)},
        {"status": 429, "headers": ("X-Sentry-Rate-Limits: 60::organization",)},
        {"status": 500},
        {"status": 403},
        {"status": 302, "headers": ("Location: /elsewhere",)},
        {"garbage": b"\x00\xff garbage\r\n\r\n"},
    ],
    ids=str,
)
async def test_a_sentry_that_refuses_disturbs_no_one(
    options: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    async with Sentry(**options) as sentry:
        start(sentry)
        logger.error("first")
        errors.check_in("probe", ok=True, every_minutes=1)
        await sentry.asked()
        logger.error("second")
        await errors.close()
    assert "Traceback" not in capfd.readouterr().err


async def test_a_sentry_that_does_not_answer_holds_no_one_up() -> None:
    async with Sentry(silent=True) as sentry:
        start(sentry)
        logger.error("first")
        await sentry.asked()
        started = time.monotonic()
        await errors.close()
        waited = time.monotonic() - started
        assert 1.0 < waited < 10
        logger.error("second")
        started = time.monotonic()
        await errors.close()
        assert time.monotonic() - started < waited


async def test_a_sentry_that_is_not_there_disturbs_no_one() -> None:
    assert errors.start(
        f"http://{KEY}@127.0.0.1:{closed_port()}/1",
        release="0",
        environment="test",
        region="lax",
        redactor=Redactor(),
    )
    logger.error("x")
    errors.check_in("probe", ok=True, every_minutes=1)
    await errors.close()


@pytest.mark.parametrize(
    "dsn",
    [
        "topsecretkey",
        "https://o1.ingest.sentry.io/42",
        "https://topsecretkey@o1.ingest.sentry.io",
        "https://topsecretkey@o1.ingest.sentry.io/topsecretproject",
        "https://topsecretkey@/42",
        "https://topsecretkey@[::1/42",
        "https://topsecretkey@o1.ingest.sentry.io:x/42",
        "https://topsecret key@o1.ingest.sentry.io/42",
        "redis://topsecretkey@o1.ingest.sentry.io/42",
        "https://topsecretkey@o1.ingest.sentry.io/42\n",
    ],
)
def test_a_malformed_dsn_is_a_mistake_that_is_not_shown(dsn: str) -> None:
    with pytest.raises(ValueError, match="https://KEY@HOST/PROJECT") as caught:
        errors.check_dsn(dsn)
    assert "topsecret" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^PROBE_SENTRY_DSN: ") as caught:
        errors.start(dsn, release="", environment="", region="", redactor=Redactor())
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("port", ["", ":9000"])
def test_a_dsn_is_left_as_it_is(port: str) -> None:
    dsn = f"https://{KEY}@o1.ingest.sentry.io{port}/sentry/42"
    assert errors.check_dsn(dsn) == dsn


def run(script: str, *arguments: str) -> "asyncio.Future[tuple[int, str, float]]":
    """Run a script in a process of its own: (exit code, stderr, seconds)."""

    def inner() -> tuple[int, str, float]:
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stderr, time.monotonic() - started

    return asyncio.get_running_loop().run_in_executor(None, inner)


OFF = """
import asyncio, os, sys
os.environ["SENTRY_DSN"] = "https://key@example.invalid/1"
from probe.diagnostics import sentry as errors
from probe.diagnostics.redact import Redactor
for nothing in (None, ""):
    assert errors.start(
        nothing, release="", environment="", region="", redactor=Redactor()) is False
errors.check_in("x", ok=True, every_minutes=1)
asyncio.run(errors.close())
assert "sentry_sdk" not in sys.modules
"""


async def test_without_a_dsn_the_sdk_is_not_even_loaded() -> None:
    code, text, _ = await run(OFF)
    assert (code, text) == (0, "")


CRASH = """
import asyncio, sys
from probe.diagnostics import sentry as errors
from probe.diagnostics.redact import Redactor

async def main():
    errors.start(sys.argv[1], release="1", environment="", region="x",
        redactor=Redactor(["t0psecret-word"]))
    try:
        raise LookupError("t0psecret-word")
    finally:
        await errors.close()

asyncio.run(main())
"""


async def test_a_crash_is_reported_on_the_way_out() -> None:
    async with Sentry() as sentry:
        code, text, _ = await run(CRASH, sentry.dsn)
        (found,) = sentry.of("event")
        (body,) = sentry.bodies
    assert code == 1
    assert text.count("Traceback") == 1
    assert "Sentry is attempting" not in text
    assert found["exception"]["values"][0]["type"] == "LookupError"
    assert b"t0psecret" not in body


ENDS = """
import asyncio, atexit, logging, sys, time
from probe.diagnostics import sentry as errors
from probe.diagnostics.redact import Redactor

def check():
    assert time.monotonic() - closed < 0.5

atexit.register(check)  # before Sentry, so that it is called after it

async def main():
    errors.start(sys.argv[1], release="1", environment="", region="x", redactor=Redactor())
    logging.getLogger("probe").error("x")
    await errors.close()

logging.basicConfig(handlers=[logging.NullHandler()])
asyncio.run(main())
closed = time.monotonic()
"""


async def test_the_end_does_not_wait_again_for_a_sentry_that_did_not_answer() -> None:
    async with Sentry(silent=True) as sentry:
        code, text, _ = await run(ENDS, sentry.dsn)
        assert sentry.requests == 1
    assert (code, text) == (0, "")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_key_goes_to_no_host_that_a_redirect_names(status: int) -> None:
    async with Sentry() as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/api/1/envelope/"
        async with Sentry(status=status, headers=(location,)) as sentry:
            start(sentry)
            logger.error("redirected")
            await errors.close()
            assert sentry.requests == 1
        assert elsewhere.requests == 0


@pytest.mark.parametrize("kind", PIECES)
async def test_a_sentry_that_never_ends_its_answer_holds_up_no_later_event(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its timeout was for each read, so that a byte now and then kept the thread."""
    monkeypatch.setattr(sentry_transport, "TIMEOUT_SECONDS", 0.3)
    with dripping(kind) as server:
        assert errors.start(
            f"http://{KEY}@127.0.0.1:{server.port}/42",
            release="0.1.0",
            environment="test",
            region="lax",
            redactor=Redactor(),
        )
        logger.error("first")
        logger.error("and another one: %s", "second")
        async with asyncio.timeout(60):
            while server.connections < 2:  # noqa: ASYNC110 - counted in a thread
                await asyncio.sleep(0.01)
        await errors.close()
