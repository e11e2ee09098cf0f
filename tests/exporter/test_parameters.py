"""What may be asked of ``/probe``, and what it answers to everything else."""

import asyncio

import pytest

from probe.exporter.modules.module import Module
from probe.exporter.request import BadRequest, deadline_of, read_request
from tests.exporter.asking import config_of, exporter
from tests.servers.pages import Pages, answers, hangs_after

CONFIG = config_of()
REFUSED = {
    "": "Target parameter is missing",
    "target=": "Target parameter is missing",
    "target=%20": "Target parameter is missing",
    "module=http_2xx": "Target parameter is missing",
    "target=a&module=nope": 'Unknown module "nope"',
    "target=a&password=hunter2": "credentials belong in the module",
    "target=a&username=joe": "credentials belong in the module",
    "target=a&api_key=hunter2": "credentials belong in the module",
    "target=http://joe:hunter2@a/": "Target carries user info",
    "target=joe@a:22": "Target carries user info",
    "target=turn:joe:hunter2@a:3478": "Target carries user info",
    "target=http:%5C%5Cjoe:hunter2@a/": "Target carries user info",
    "target=http://a/?token=hunter2": "Target carries a secret in its query",
    "target=a&hostname=b%0d%0aX:%20y": 'Parameter "hostname"',
}
# What names nothing to connect to is a failed probe, as for blackbox_exporter.
INVALID = (
    "target=a%0d%0aX:%20y",
    "target=http://a/b%20c",
    "target=http://a:99999/",
    "target=http://a:0/",
    "target=ftp://a/",
    "target=a&module=tcp_connect",
    "target=turn:a:3478%3Ftransport=tcp&module=turn_udp",
    "target=http://a/&module=icmp",
    f"target=http://a/{'x' * 3000}",
)


@pytest.mark.parametrize("query", REFUSED)
async def test_what_is_no_request_is_refused_and_not_repeated(query: str) -> None:
    async with exporter() as asked:
        answer = await asked.get(f"/probe?{query}")
    assert answer.status == 400
    assert REFUSED[query] in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("query", INVALID)
async def test_a_target_that_is_none_is_a_failed_probe(query: str) -> None:
    async with exporter() as asked:
        answer = await asked.get(f"/probe?{query}")
        debug = await asked.get(f"/probe?{query}&debug=true")
    assert (answer.status, answer.success) == (200, 0.0)
    assert 'phase="target"' in answer.why
    assert "Target is invalid: " in debug.text
    assert "probe_success 0.0" in debug.text
    assert "X: y" not in answer.text


@pytest.mark.parametrize(
    "more", ["target=ftp://other/", "module=http_2xx&module=nope", "colour=red", "debug=yes"]
)
async def test_what_blackbox_exporter_passes_over_is_passed_over(more: str) -> None:
    async with Pages(answers()) as pages, exporter() as asked:
        answer = await asked.get(f"/probe?target={pages.url}&{more}")
    assert (answer.status, answer.success) == (200, 1.0)


@pytest.mark.parametrize(
    ("header", "timeout", "deadline"),
    [
        (None, 0.0, 119.5),
        ("10", 0.0, 9.5),
        ("10.5", 5.0, 5.0),
        ("3", 5.0, 2.5),
        ("0.4", 0.0, 0.2),
        ("0", 7.0, 7.0),
        ("1e9", 0.0, 119.5),
        ("  8.5 ", 0.0, 8.0),
        ("-0", 7.0, 7.0),
    ],
)
def test_the_deadline_is_the_scrapes_less_the_offset_or_the_modules(
    header: str | None, timeout: float, deadline: float
) -> None:
    module = Module.model_validate({"prober": "http", "timeout": timeout})
    assert deadline_of(header, module, 0.5) == pytest.approx(deadline)


@pytest.mark.parametrize(
    "header", ["soon", "-1", "nan", "inf", "1_0", "٣", "5s", "5,5", "0x5", "1e309", "1e9999", "--1"]
)
def test_a_timeout_that_is_no_number_is_refused(header: str) -> None:
    query = {"target": ["a"]}
    with pytest.raises(BadRequest, match="Failed to parse timeout from Prometheus header"):
        read_request(query, header, CONFIG)


async def test_a_silent_target_fails_before_the_scrape_gives_up() -> None:
    async with Pages(hangs_after()) as pages, exporter() as asked:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "0.9"}
        answer = await asked.probe(pages.url, headers=headers)
    assert answer.success == 0.0
    assert 'cause="deadline",phase="processing"' in answer.why
    assert 0.3 < answer.samples["probe_duration_seconds"] < 5.0


async def test_too_many_at_once_are_asked_to_come_back() -> None:
    # The page goes first: what hangs in it would hold up the end of the exporter.
    async with exporter(config_of(concurrency=1)) as asked, Pages(hangs_after()) as pages:
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "20"}
        first = asyncio.create_task(asked.probe(pages.url, headers=headers))
        while not pages.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        second = await asked.probe(pages.url)
        first.cancel()
    assert (second.status, second.headers["Retry-After"]) == (503, "1")
    assert "concurrency" in second.text


async def test_more_than_the_rate_are_asked_to_come_back() -> None:
    async with Pages(answers()) as pages, exporter(config_of(rate=0.001)) as asked:
        found = [await asked.probe(pages.url) for _ in range(3)]
    assert [each.status for each in found] == [200, 429, 429]
    assert found[2].headers["Retry-After"] == "1"


async def test_debug_shows_the_log_the_metrics_and_the_module_without_secrets() -> None:
    table = {"prober": "http", "http": {"basic_auth": {"username": "joe", "password": "hunter22"}}}
    async with Pages(answers(500)) as pages, exporter(config_of(tables={"m": table})) as asked:
        answer = await asked.probe(pages.url, "m", debug="true")
        shown = await asked.get("/config")
    parts = ("Logs for the probe:", "Metrics that would have been returned:")
    for part in (*parts, "Module configuration:", 'cause="http_status"', "prober: http"):
        assert part in answer.text
    assert "msg=" in answer.text
    assert "level=error" in answer.text
    assert "password: <secret>" in answer.text
    assert "hunter22" not in answer.text + shown.text
    assert "username: joe" in shown.text


async def test_it_is_healthy_and_reloads_on_post_and_put() -> None:
    async with exporter() as asked:
        assert (await asked.get("/-/healthy")).text == "Healthy\n"
        assert (await asked.get("/-/reload")).status == 405
        assert (await asked.get("/-/reload", "POST")).status == 200
        asked.problem = "probe.toml: no"
        refused = await asked.get("/-/reload", "PUT")
    assert asked.reloads == 2
    assert (refused.status, refused.text) == (500, "failed to reload config: probe.toml: no\n")


async def test_answers_are_compressed_for_who_takes_that() -> None:
    async with Pages(answers()) as pages, exporter() as asked:
        plain = await asked.probe(pages.url, headers={"Accept-Encoding": "identity"})
        packed = await asked.probe(pages.url, headers={"Accept-Encoding": "gzip"})
        refused = await asked.probe(pages.url, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in refused.headers
    assert plain.samples.keys() == packed.samples.keys()


async def test_openmetrics_is_written_for_who_asks_for_it() -> None:
    async with Pages(answers()) as pages, exporter() as asked:
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        answer = await asked.probe(pages.url, headers=accept)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
