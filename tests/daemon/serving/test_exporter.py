"""A daemon without any check of its own is an exporter: its login, its reload, its metrics."""

from pathlib import Path

from tests.daemon.running import daemon
from tests.servers.pages import Pages, answers

MODULES = "modules: {mine: {prober: http, timeout: %s}}"
TOKEN = {"Authorization": "Bearer 0123456789abcdef"}


async def test_the_daemons_login_guards_it_and_a_reload_reads_the_modules_again(
    tmp_path: Path,
) -> None:
    modules = tmp_path / "modules.yml"
    modules.write_text(MODULES % "5s")
    variables = {
        "PROBE_EXPORTER_TARGETS": "127.0.0.1/32",
        "PROBE_MODULES": str(modules),
        "PROBE_WEB_TOKEN": "0123456789abcdef",
    }
    async with Pages(answers()) as pages, daemon(tmp_path, variables) as running:
        path = f"/probe?module=mine&target={pages.url}"
        for closed in (path, "/config", "/metrics"):
            assert (await running.get(closed))[0] == 401
        assert await running.get("/-/healthy") == (200, "Healthy\n")
        status, text = await running.get(path, headers=TOKEN)
        assert status == 200
        assert "\nprobe_success 1.0\n" in text
        assert "timeout: 5s" in (await running.get("/config", headers=TOKEN))[1]

        async def reload() -> tuple[int, str]:
            async with running.session.post(running.url + "/-/reload", headers=TOKEN) as response:
                return response.status, await response.text()

        modules.write_text(MODULES % "7s")
        assert (await reload())[0] == 200
        assert "timeout: 7s" in (await running.get("/config", headers=TOKEN))[1]
        modules.write_text("modules: {mine: {prober: ftp}}")
        code, problem = await reload()
        assert code == 500
        assert "prober" in problem
        assert "timeout: 7s" in (await running.get("/config", headers=TOKEN))[1]


async def test_metrics_are_packed_for_who_takes_gzip(tmp_path: Path) -> None:
    variables = {"PROBE_EXPORTER_TARGETS": "127.0.0.1/32"}
    async with daemon(tmp_path, variables) as running:
        for encoding, packed in (("gzip", True), ("identity", False), ("gzip;q=0", False)):
            headers = {"Accept-Encoding": encoding}
            async with running.session.get(running.url + "/metrics", headers=headers) as response:
                assert response.headers["Vary"] == "Accept, Accept-Encoding"
                assert ("Content-Encoding" in response.headers) is packed
                assert "probe_build_info" in await response.text()
