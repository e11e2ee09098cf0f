"""A real Prometheus scrapes a hundred targets through a daemon, by file_sd and relabelling."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from probe.lab import Lab
from tests.daemon.running import Running, daemon
from tests.exporter.asking import server_context
from tests.exporter.blackbox import QUERIES
from tests.exporter.test_probers import may_ping, name_server
from tests.servers.certificate import make_certificate
from tests.servers.pages import Pages, answers, closed_port
from tests.servers.scraping.scraper import Scraper

TARGETS, DEAD = 100, 5
MODIFIED = {"Last_Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
PING = "ping"


def job(server: Running, module: str, files: Path) -> dict[str, Any]:
    """As blackbox_exporter's documentation has it, with the address changed."""
    return {
        "job_name": module,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "file_sd_configs": [{"files": [str(files)]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"source_labels": ["__param_module"], "target_label": "module"},
            {"target_label": "__address__", "replacement": server.url.removeprefix("http://")},
        ],
    }


def discovered(folder: Path, name: str, targets: Sequence[str]) -> Path:
    """A file of targets, as file_sd reads it."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps([{"targets": [*targets], "labels": {"team": "web"}}]))
    return path


async def counted(server: Scraper, expr: str) -> float:
    found = await server.query(expr)
    return float(found[0]["value"][1]) if found else 0.0


@pytest.mark.parts
async def test_prometheus_scrapes_a_hundred_targets_and_runs_blackbox_exporters_queries(
    tmp_path: Path,
) -> None:
    certificate = make_certificate(tmp_path)
    async with AsyncExitStack() as stack:
        pages = await stack.enter_async_context(Pages(answers()))
        page = answers(200, b"x" * 2000, **MODIFIED)
        tls = await stack.enter_async_context(Pages(page, tls=server_context(certificate)))
        dns_port = await stack.enter_async_context(name_server())
        lab = await stack.enter_async_context(Lab())
        environment = lab.environment()
        alive = [f"{pages.url}/page-{number}" for number in range(TARGETS - DEAD)]
        dead = [f"http://127.0.0.1:{closed_port()}/page-{number}" for number in range(DEAD)]
        targets = {
            "http_2xx": [*alive, *dead],
            "https": [f"https://localhost:{tls.port}/"],
            "dns": [f"127.0.0.1:{dns_port}"],
            "icmp": ["127.0.0.1"],
            "turn_udp": [environment["TURN_URLS"].split(",")[-3]],
        }
        (tmp_path / "probe.toml").write_text(_toml(certificate.ca_file))
        variables = {**_turn_of(environment), "PROBE_EXPORTER_TARGETS": "127.0.0.0/8 ::1/128"}
        probe = await stack.enter_async_context(daemon(tmp_path, variables))
        jobs = [
            job(probe, module, discovered(tmp_path, module, listed))
            for module, listed in targets.items()
        ]
        server = await stack.enter_async_context(Scraper(tmp_path, jobs={}, every="5s", more=jobs))
        everything = f'count(up{{job="http_2xx", team="web"}} == 1) == {TARGETS}'
        await server.until(everything)
        assert await counted(server, 'count(probe_success{job="http_2xx"} == 1)') == TARGETS - DEAD
        refused = 'count(probe_failure_info{job="http_2xx", cause="connect_refused"})'
        assert await counted(server, refused) == DEAD
        assert await counted(server, "count(probe_http_status_code == 0)") >= DEAD
        for name, expr in QUERIES.items():
            if name != PING or may_ping():
                assert await server.until(expr), name


def _toml(ca_file: Path) -> str:
    return f"""
[exporter]
rate = 1000
[modules.https]
prober = "http"
http = {{ tls_config = {{ ca_file = "{ca_file}" }} }}
"""


def _turn_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The relays alone: their checks bring the credentials."""
    names = ("TURN_URLS", "TURN_USERNAME", "TURN_PASSWORD", "TURN_PROVIDER")
    return {name: environment[name] for name in names}


def test_the_documentation_lists_each_expression() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "exporter.md").read_text()
    assert [name for name, expr in QUERIES.items() if f"| {name} | `{expr}` |" not in text] == []
