"""A load that machines share through Redis: processes on this one stand for them."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from probe.lab import Lab
from probe.load.distributed.redis_shares import CoordinatorLost, SharedLoad, coordinator, now
from probe.load.plan import LoadPlan
from tests.command import Process, environment, probe, start
from tests.load.loading import until
from tests.servers.redis import PASSWORD, RedisServer

pytestmark = pytest.mark.parts
STEPS = ("--steps=health,round_trip", "--think=50ms")


@pytest.fixture
def redis(tmp_path: Path) -> Any:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    yield server
    server.stop()


async def begin(lab: Lab, redis: RedisServer, folder: Path, *arguments: str) -> Process:
    return await start(
        "load", *arguments, f"--coordinator={redis.url()}", cwd=folder, env=lab.environment()
    )


async def ended(process: Process) -> tuple[int, dict[str, Any], str]:
    out, err = await process.communicate()
    assert PASSWORD not in (out + err).decode()
    assert "Traceback" not in err.decode()
    assert process.returncode is not None
    return process.returncode, json.loads(out) if out.startswith(b"{") else {}, err.decode()


async def reported(redis: RedisServer) -> None:
    """Wait until Redis has statistics of at least one iteration."""
    async with Redis.from_url(redis.url()) as client:
        while True:
            async for key in client.scan_iter("saq:job:*"):
                job = json.loads(await client.get(key) or "{}")
                statistics = json.loads(job.get("meta", {}).get("statistics", "{}"))
                if statistics.get("iterations"):
                    return
            await asyncio.sleep(0.1)


async def test_two_machines_share_a_load_and_one_report_has_both(
    lab: Lab, redis: RedisServer, tmp_path: Path
) -> None:
    first = await begin(
        lab, redis, tmp_path, "--users=4", "--for=3s", "--workers=2", "--format=json", *STEPS
    )
    others = [await begin(lab, redis, tmp_path, "--join", "--format=json") for _ in range(2)]
    code, whole, err = await ended(first)
    parts = [await ended(other) for other in others]
    assert code in (0, 2, 3), err
    assert whole["workers"] == {"count": 2, "lost": []}
    # A fast machine is through with its budget before.
    assert whole["stopped_by"] in ("time", "budget")
    counts = [document["iterations"]["completed"] for _, document, _ in parts]
    assert all(counts)
    assert whole["iterations"]["completed"] == sum(counts)


@pytest.mark.proof
async def test_a_coordinator_that_is_gone_leaves_what_was_reported(
    lab: Lab, redis: RedisServer, tmp_path: Path
) -> None:
    first = await begin(lab, redis, tmp_path, "--users=2", "--for=1h", "--format=json", *STEPS)
    other = await begin(lab, redis, tmp_path, "--join", "--format=json")
    await reported(redis)
    await asyncio.sleep(3)  # the first one asks for reports twice a second
    redis.stop()
    (code, whole, err), (joined_code, part, joined_err) = await asyncio.gather(
        ended(first), ended(other)
    )
    assert whole["stopped_by"] == "coordinator_lost", err
    assert code in (2, 3)
    assert whole["iterations"]["completed"] > 0
    assert "the coordinator does not answer" in whole["workers"]["lost"][-1]
    assert part["stopped_by"] == "coordinator_lost", joined_err
    assert joined_code in (2, 3)
    await until(lambda: not lab.backend.sessions)


@pytest.mark.proof
async def test_a_signal_ends_the_load_on_all_machines(
    lab: Lab, redis: RedisServer, tmp_path: Path
) -> None:
    first = await begin(lab, redis, tmp_path, "--users=2", "--for=1h", "--format=json", *STEPS)
    other = await begin(lab, redis, tmp_path, "--join", "--format=json")
    await until(lambda: lab.backend.requests["/health"] >= 5)
    first.send_signal(signal.SIGINT)
    (code, whole, _), (joined_code, part, _) = await asyncio.gather(ended(first), ended(other))
    assert (code, joined_code) == (130, 130)
    assert whole["interrupted"] is part["interrupted"] is True
    await until(lambda: not lab.backend.sessions)


@pytest.mark.proof
async def test_a_machine_that_watches_another_target_takes_no_share(
    lab: Lab, redis: RedisServer, tmp_path: Path
) -> None:
    first = await begin(lab, redis, tmp_path, "--users=1", "--for=2s", "--format=json", *STEPS)
    env = {"BACKEND_URL": "http://127.0.0.1:9"}
    done = await probe(
        "load", "--join", f"--coordinator={redis.url()}", cwd=tmp_path, env=environment(env)
    )
    assert done.code == 64
    assert "this machine is configured for http://127.0.0.1:9" in done.err
    code, whole, _ = await ended(first)
    assert code == 3
    assert "was refused: this machine is configured for" in whole["workers"]["lost"][0]
    assert lab.backend.requests.total() == 0


@pytest.mark.proof
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1", "--coordinator: is not a redis://HOST:PORT"),
        ("redis://", "--coordinator: is not a redis://HOST:PORT"),
        ("redis://:canary@127.0.0.1:9", "--coordinator: does not answer (ConnectionError)"),
    ],
)
async def test_a_coordinator_that_cannot_be_used_is_64(tmp_path: Path, url: str, said: str) -> None:
    env = {"BACKEND_URL": "http://127.0.0.1:9"}
    done = await probe("load", f"--coordinator={url}", cwd=tmp_path, env=env)
    assert done.code == 64
    assert said in done.err
    assert "canary" not in done.err + done.out


async def test_the_applications_own_redis_is_no_coordinator(tmp_path: Path) -> None:
    env = {"BACKEND_URL": "http://127.0.0.1:9", "REDIS_URL": "redis://127.0.0.1:6399"}
    done = await probe("load", "--coordinator=redis://127.0.0.1:6399/3", cwd=tmp_path, env=env)
    assert done.code == 64
    assert "is the application's own Redis" in done.err


async def test_a_wrong_password_is_named_without_it(redis: RedisServer) -> None:
    url = redis.url().replace(PASSWORD, "canary")
    with pytest.raises(CoordinatorLost, match="refuses the password") as error:
        async with coordinator(url):
            pass
    assert "canary" not in str(error.value)


async def test_shares_that_no_machine_takes_are_named(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probe.load.distributed.redis_shares.JOIN_SECONDS", 0.3)
    async with coordinator(redis.url()) as queue:
        load = SharedLoad(queue, LoadPlan(2, 1.0))
        found = await load.execute([{}, {}])
        assert load.lost == ["2 of 2 shares were taken by no machine"]
        assert found.iterations == 0
        assert await now(queue) > 1_600_000_000
        assert await queue.count("queued") == 0, "nothing is left for whoever joins later"
