"""The queries' values, by promtool: what each says of series that are known."""

import json
from pathlib import Path
from typing import Any

import pytest

from probe.telemetry.fly.queries import (
    CPU,
    ERRORS,
    MEMORY_TOTAL,
    MEMORY_USED,
    P95,
    REGION_P95,
    REQUESTS,
    RESTARTS,
    THROTTLED,
    UP,
    VANISHED,
    queries_for,
)
from tests.servers.scraping.prometheus import promtool

EDGE = 'fly_edge_http_responses_count{app="a",region="%s",host="e",status="%s"}'
ME = 'app="a",region="lax",host="h",instance="%s"'


def _series(name: str, machine: str, values: str, more: str = "") -> dict[str, str]:
    return {"series": f"{name}{{{ME % machine}{more}}}", "values": values}


# A sample every 15 s; asked at 40 min. d2 vanished at 30 min; d3 was never of this app.
LONG = "x160"
SERIES: list[dict[str, str]] = [
    {"series": EDGE % ("lax", "200"), "values": f"0+15{LONG}"},
    {"series": EDGE % ("lax", "503"), "values": f"0+3{LONG}"},
    {"series": EDGE % ("ams", "200"), "values": f"0+15{LONG}"},
    {"series": EDGE % ("ams", "404"), "values": f"0+15{LONG}"},
    {"series": (EDGE % ("lax", "500")).replace('"a"', '"b"'), "values": f"0+99{LONG}"},
    _series("fly_instance_up", "d1", f"1{LONG}"),
    _series("fly_instance_up", "d2", f"1x120 stale{' _' * 40}"),
    _series("fly_instance_up", "d4", "1x120 0x40"),
    # What was scraped 30 s ago is the newest that Fly shows; two minutes are no delay any more.
    _series("fly_instance_up", "d5", "1x158"),
    _series("fly_instance_up", "d6", "1x152"),
    _series("fly_instance_memory_mem_total", "d1", f"256{LONG}"),
    _series("fly_instance_memory_mem_available", "d1", f"56{LONG}"),
    *(
        _series("fly_instance_cpu", "d1", f"0+{each}{LONG}", f',cpu_id="{core}",mode="{mode}"')
        for core in "01"
        for mode, each in (("user", 600), ("system", 150), ("steal", 300), ("iowait", 150))
    ),
    _series("fly_instance_cpu", "d1", "0+300x79 0+300x80", ',cpu_id="0",mode="idle"'),
    _series("fly_instance_cpu", "d1", f"0+300{LONG}", ',cpu_id="1",mode="idle"'),
    _series("fly_instance_cpu_throttle", "d1", f"0+150{LONG}"),
    *(
        _series("fly_app_http_response_time_seconds_bucket", "d1", f"0+{each}{LONG}", f',le="{le}"')
        for le, each in (("0.5", 0), ("1", 100), ("+Inf", 100))
    ),
]
OF_D1 = '{instance="d1", region="lax", app="a"}'
WANTED: dict[str, list[tuple[str, float]]] = {
    ERRORS: [('{region="lax"}', 60)],
    REQUESTS: [('{region="lax"}', 360), ('{region="ams"}', 600)],
    P95: [('{app="a"}', 0.975)],
    REGION_P95: [('{region="lax"}', 0.975)],
    MEMORY_USED: [(f"{{{ME % 'd1'}}}", 200)],
    MEMORY_TOTAL: [(f"fly_instance_memory_mem_total{{{ME % 'd1'}}}", 256)],
    CPU: [(OF_D1, 0.5)],
    THROTTLED: [(OF_D1, 0.1)],
    RESTARTS: [(OF_D1, 1)],
    UP: [(OF_D1.replace("d1", each), 1) for each in ("d1", "d5")],
    VANISHED: [(OF_D1.replace("d1", each), 1) for each in ("d2", "d4", "d6")],
}


def _tested(folder: Path, tests: list[dict[str, Any]]) -> Any:
    (folder / "rules.yml").write_text("groups: []\n")
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "15s", "input_series": SERIES, "promql_expr_test": tests}],
    }
    path = folder / "test.yml"
    path.write_text(json.dumps(document))  # JSON is YAML
    return promtool("test", "rules", str(path))


def _test(query: str, samples: list[tuple[str, float]]) -> dict[str, Any]:
    wanted = [{"labels": labels, "value": value} for labels, value in samples]
    return {"expr": f"round({query}, 0.0001)", "eval_time": "40m", "exp_samples": wanted}


@pytest.mark.parametrize("name", queries_for("a"))
def test_a_query_says_what_is_so(tmp_path: Path, name: str) -> None:
    samples = [
        (labels.replace("fly_instance_memory_mem_total", ""), v) for labels, v in WANTED[name]
    ]
    done = _tested(tmp_path, [_test(queries_for("a")[name], samples)])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_value_would_be_noticed(tmp_path: Path) -> None:
    done = _tested(tmp_path, [_test(queries_for("a")[ERRORS], [('{region="lax"}', 61)])])
    assert done.returncode != 0


def test_of_another_app_nothing_is_said(tmp_path: Path) -> None:
    tests = [_test(query, []) for query in queries_for("c").values()]
    done = _tested(tmp_path, tests)
    assert done.returncode == 0, done.stdout + done.stderr
