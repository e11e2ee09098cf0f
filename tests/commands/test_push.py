"""Metrics of one run: in a real Pushgateway, in a file, and if they can't get there."""

import base64
import os
import subprocess
from pathlib import Path

import pytest
from aiohttp import web

from tests import requirements
from tests.command import probe
from tests.servers.scraping.pushgateway import Pushgateway

ONCE = ("--once", "--lab", "--only", "http")
NOBODY = "http://127.0.0.1:9"
SECRET = "hunter-2-0f-mine"


@pytest.mark.parts
async def test_a_pushgateway_holds_the_newest_run_of_each_region(tmp_path: Path) -> None:
    async with Pushgateway() as gateway:
        for region in ("lax", "ams", "lax"):
            environment = {"PROBE_REGION": region}
            done = await probe(*ONCE, "--push", gateway.url, cwd=tmp_path, env=environment)
            assert (done.code, done.err) == (0, "")
        lines = await gateway.metrics()
    found = [line for line in lines if line.startswith('probe_success{check="health"')]
    assert len(found) == 2
    for line, region in zip(sorted(found), ("ams", "lax"), strict=True):
        assert 'job="probe"' in line
        assert f'region="{region}"' in line
        assert line.endswith(" 1")
    names = {line.split("{")[0] for line in lines if line.startswith("probe_")}
    assert {"probe_duration_seconds", "probe_last_run_timestamp_seconds"} <= names
    # Nothing repeats it, so nothing may wait for the next run.
    assert not names & {"probe_interval_seconds", "probe_runs_total", "probe_check_info"}


def complaints(path: Path) -> str:
    """What promtool has to say against metrics."""
    command = [requirements.program("promtool", part="prometheus"), "check", "metrics"]
    with path.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("only", ["http", "call"])
async def test_the_file_is_what_a_collector_reads(tmp_path: Path, only: str) -> None:
    path = tmp_path / "probe.prom"
    path.write_text("old", encoding="utf-8")
    done = await probe("--once", "--lab", "--only", only, "--textfile", path.name, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == [path.name]
    assert complaints(path) == ""
    assert 'probe_success{check="' in path.read_text(encoding="utf-8")


async def test_a_push_that_fails_is_no_green_run_and_hides_no_red_one(tmp_path: Path) -> None:
    green = await probe(*ONCE, "--push", NOBODY, cwd=tmp_path)
    assert green.code == 74
    assert "--push 127.0.0.1: not accepted" in green.err
    assert "ok" in green.out
    red = await probe(*ONCE, "--push", NOBODY, "--expect-version", "another", cwd=tmp_path)
    assert red.code == 2


async def test_a_password_in_the_address_is_used_and_never_said(tmp_path: Path) -> None:
    seen: list[str] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        assert request.path == "/metrics/job/probe/region/local"
        return web.Response(status=202 if len(seen) == 1 else 401)

    app = web.Application()
    app.router.add_put("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://ci:{SECRET}@127.0.0.1:{runner.addresses[0][1]}"
    taken, refused = [await probe(*ONCE, "--push", address, cwd=tmp_path) for _ in range(2)]
    await runner.cleanup()
    assert seen[0] == "Basic " + base64.b64encode(f"ci:{SECRET}".encode()).decode()
    assert (taken.code, refused.code) == (0, 74)
    assert "401" in refused.err
    assert SECRET not in taken.out + taken.err + refused.out + refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--push", "gateway:9091"), "--push: must be an address like"),
        (("--push", "ftp://gateway"), "--push: must be an address like"),
        (("--textfile", "probe.txt"), "must end in .prom"),
        (("--textfile", "nowhere/probe.prom"), "there is no folder nowhere"),
    ],
)
async def test_what_would_fail_after_the_run_is_said_before(
    tmp_path: Path, arguments: tuple[str, str], message: str
) -> None:
    done = await probe(*ONCE, *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (64, "")
    assert message in done.err


async def test_they_are_for_one_run(tmp_path: Path) -> None:
    done = await probe("--lab", "--textfile", "a.prom", cwd=tmp_path)
    assert done.code == 64
    assert "--textfile is for one run: add --once" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
async def test_a_folder_that_cannot_be_written_is_said_before(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    done = await probe(*ONCE, "--textfile", "closed/a.prom", cwd=tmp_path)
    assert done.code == 64


@pytest.mark.parts
async def test_two_pipelines_have_groups_of_their_own_with_the_time_of_the_push(
    tmp_path: Path,
) -> None:
    async with Pushgateway() as gateway:
        for pipeline in ("deploy", "nightly", "deploy"):
            group = ("--push-job", "ci", "--push-label", f"pipeline={pipeline}")
            done = await probe(
                *ONCE, "--push", gateway.url, *group, "--push-label", "branch=a/b", cwd=tmp_path
            )
            assert "--push" not in done.err, done
        lines = await gateway.metrics()
    for name in ('probe_success{branch="a/b",check="health"', "probe_pushed_timestamp_seconds{"):
        found = [line for line in lines if line.startswith(name)]
        assert len(found) == 2, found
        assert all('job="ci"' in line for line in found)
        assert {"deploy" in line for line in found} == {True, False}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--push-job", "ci"], "no effect without --push"),
        (["--push-label", "a=b"], "no effect without --push"),
        (["--push", NOBODY, "--push-job", " "], "is empty"),
        (["--push", NOBODY, "--push-label", "a"], "NAME=VALUE"),
        (["--push", NOBODY, "--push-label", "a="], "NAME=VALUE"),
        (["--push", NOBODY, "--push-label", "a-b=c"], "NAME=VALUE"),
        (["--push", NOBODY, "--push-label", "__a=c"], "NAME=VALUE"),
        (["--push", NOBODY, "--push-label", "job=c"], "is set by --push-job"),
        (["--push", NOBODY, "--push-label", "check=c"], "would replace a label"),
        (["--push", NOBODY, "--push-label", "a=b", "--push-label", "a=c"], "given twice"),
    ],
)
async def test_a_group_that_can_not_be_is_refused_before_the_run(
    tmp_path: Path, options: list[str], problem: str
) -> None:
    done = await probe(*ONCE, *options, cwd=tmp_path)
    assert done.code == 64
    assert problem in done.err
