"""The daemon as an operator meets it: started, read, changed, stopped, started again."""

import asyncio
import json
import signal
import socket
import time
from pathlib import Path

import pytest

from probe.exit_codes import INTERRUPTED, USAGE_ERROR
from probe.lab import Lab
from tests.command import probe
from tests.daemon.running import daemon

HTTP = "--only", "http"


async def test_it_is_alive_at_once_and_ready_after_the_first_round(tmp_path: Path) -> None:
    async with Lab() as lab, daemon(tmp_path, lab.environment()) as running:
        assert await running.get("/healthz") == (200, "alive\n")
        await running.ready()
        # On a busy machine a check of the first round may have to run again.
        status = await running.status_when(lambda found: found["verdict"] == "ok")
        assert all(check["last_run"] for check in status["checks"])
        assert {check["kind"] for check in status["checks"]} == {
            "engineio",
            "http",
            "signaling",
            "allocation",
            "turn",
            "call",
            "crossing",
            "fallback",
            "app_metrics",
            "security",
        }
        assert await running.stop() == 0


@pytest.mark.parametrize(
    "only",
    [
        ("--only", "health,allocation-primary-udp"),
        pytest.param((), id="all", marks=pytest.mark.proof),
    ],
)
async def test_the_first_round_is_over_within_thirty_seconds_whatever_hangs(
    tmp_path: Path, only: tuple[str, ...]
) -> None:
    async with Lab() as lab:
        for knob in ("backend.silent", "turn.silent"):
            lab.set_knob(knob, "true")
        async with daemon(tmp_path, lab.environment(), *only) as running:
            begun = time.monotonic()
            await running.ready()
            assert time.monotonic() - begun < 30 + 25  # and what a busy machine adds


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, INTERRUPTED)])
async def test_it_ends_in_time_while_checks_hang_and_deletes_its_allocations(
    tmp_path: Path, number: int, code: int
) -> None:
    async with Lab() as lab:
        lab.set_knob("backend.silent", "true")
        lab.set_knob("primary.delay", "0.3")
        async with daemon(tmp_path, lab.environment()) as running:
            async with asyncio.timeout(20):
                while not lab.primary.allocations:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            begun = time.monotonic()
            assert await running.stop(number) == code
            assert time.monotonic() - begun < 8
        async with asyncio.timeout(30):
            while lab.primary.allocations:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_a_wrong_configuration_at_the_start_is_exit_64(tmp_path: Path) -> None:
    done = await probe(cwd=tmp_path, env={"PROBE_LISTEN": "9091", "BACKEND_URL": "x"})
    assert done.code == USAGE_ERROR
    assert "PROBE_LISTEN" in done.err
    assert "BACKEND_URL" in done.err


async def test_a_port_that_is_taken_is_exit_64_and_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {"PROBE_LISTEN": f"127.0.0.1:{port}", "BACKEND_URL": "http://127.0.0.1:9"}
        done = await probe(cwd=tmp_path, env=env)
    assert done.code == USAGE_ERROR
    assert f"PROBE_LISTEN: can't listen on 127.0.0.1 port {port}: " in done.err


async def test_an_option_for_one_run_is_refused_without_once(tmp_path: Path) -> None:
    done = await probe("--format", "json", cwd=tmp_path)
    assert done.code == USAGE_ERROR
    assert "--format is for one run: add --once" in done.err


async def test_it_listens_on_every_address_by_default(tmp_path: Path) -> None:
    async with Lab() as lab:
        environment = {**lab.environment(), "PROBE_LISTEN": "[::]:0"}
        async with daemon(tmp_path, environment, *HTTP) as running:
            port = running.url.rsplit(":", 1)[1]
            for host in ("127.0.0.1", "::1") if socket.has_ipv6 else ("127.0.0.1",):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                await writer.wait_closed()


async def test_its_pages_ask_for_the_password_and_its_health_does_not(tmp_path: Path) -> None:
    async with Lab() as lab:
        secret = {"PROBE_WEB_USER": "eva", "PROBE_WEB_PASSWORD": "word-of-mine"}
        async with daemon(tmp_path, {**lab.environment(), **secret}, *HTTP) as running:
            for path in ("/", "/metrics", "/status.json", "/badge.svg", "/nothing"):
                assert (await running.get(path))[0] == 401
            assert (await running.get("/healthz"))[0] == 200
            header = {"Authorization": "Basic ZXZhOndvcmQtb2YtbWluZQ=="}
            code, page = await running.get("/", headers=header)
            assert code == 200
            assert "word-of-mine" not in page + "".join(running.raw)


async def test_every_page_forbids_what_it_does_not_need(tmp_path: Path) -> None:
    async with Lab() as lab, daemon(tmp_path, lab.environment(), *HTTP) as running:
        await running.ready()
        for path in ("/", "/status.json", "/badge.svg", "/metrics", "/nothing"):
            async with running.session.get(running.url + path) as response:
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                kept = "private, no-cache" if path == "/" else "no-store"
                assert response.headers["Cache-Control"] == kept
                if path == "/":
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_a_changed_file_is_taken_over_and_unchanged_checks_go_on(tmp_path: Path) -> None:
    config = tmp_path / "probe.toml"
    async with Lab() as lab:
        config.write_text('[[http]]\nname = "mine"\nurl = "http://127.0.0.1:9/"\n')
        async with daemon(tmp_path, lab.environment(), *HTTP) as running:
            await running.ready()
            since = {each["name"]: each["since"] for each in (await running.status())["checks"]}
            config.write_text('[[http]]\nname = "yours"\nurl = "http://127.0.0.1:9/"\n')
            await running.said("yours is critical")
            checks = {each["name"]: each for each in (await running.status())["checks"]}
            assert set(checks) == {"health", "ready", "frontend", "yours"}
            assert checks["health"]["since"] == since["health"]
            assert 'check="mine"' not in (await running.get("/metrics"))[1]


async def test_a_wrong_file_leaves_the_old_one_running_and_is_reported(tmp_path: Path) -> None:
    config = tmp_path / "probe.toml"
    async with Lab() as lab, daemon(tmp_path, lab.environment(), *HTTP) as running:
        await running.ready()
        config.write_text('[[http]]\nname = "mine"\nurll = "x"\n')
        running.process.send_signal(signal.SIGHUP)
        await running.said("not taken over")
        found = await running.metrics()
        assert found["probe_config_last_reload_successful"] == 0.0
        status = await running.status()
        assert "urll" in json.dumps(status["notices"])
        assert len(status["checks"]) == 3
        config.unlink()
        await running.said("configuration reloaded")
        assert (await running.metrics())["probe_config_last_reload_successful"] == 1.0
        assert "urll" not in json.dumps((await running.status())["notices"])


async def test_since_when_and_the_day_survive_a_restart(tmp_path: Path) -> None:
    async with Lab() as lab:
        lab.set_knob("backend.redis", "down")
        environment = {**lab.environment(), "PROBE_DATA": str(tmp_path / "data")}
        since = []
        for _ in range(2):
            async with daemon(tmp_path, environment, "--only", "health") as running:
                await running.ready()
                (check,) = (await running.status())["checks"]
                since.append(check["since"])
                assert check["failure"]["cause"] == "service_down"
                assert await running.stop() == 0
        assert since[0] == since[1]


async def test_without_a_writable_disk_it_goes_on_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with Lab() as lab:
        environment = {**lab.environment(), "PROBE_DATA": str(tmp_path / "file" / "data")}
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.ready()
            assert (await running.metrics())["probe_history_persistent"] == 0.0
            assert "lost at a restart" in json.dumps((await running.status())["notices"])


async def test_no_secret_of_the_lab_is_in_anything_that_it_says(tmp_path: Path) -> None:
    async with Lab() as lab:
        for knob in ("turn.error=401", "backend.credentials=refused", "backend.redis=down"):
            lab.set_knob(*knob.split("="))
        environment = lab.environment()
        async with daemon(tmp_path, {**environment, "LOG_LEVEL": "debug"}) as running:
            await running.ready()
            pages = [(await running.get(p))[1] for p in ("/", "/status.json", "/metrics")]
            await running.stop()
            said = "".join((*pages, *running.raw))
    secrets = [value for name, value in environment.items() if "PASSWORD" in name]
    secrets += [environment["JWT_SECRET"], environment["TURN_SHARED_SECRET"]]
    assert len(secrets) == 4
    assert not [secret for secret in secrets if secret in said]
