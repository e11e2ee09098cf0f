"""Programs that check the same targets, each with the configuration that its documents give.

Every one judges the answer, keeps metrics, and posts a webhook when a page fails for the first
time; Gatus and Prometheus keep a history on disk as the probe does.
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tests.bench.target import Target
from tests.command import environment
from tests.servers.ports import free_port


class Plan(Struct, frozen=True):
    """What is checked: ``names`` of pages of ``target``, each every ``interval`` seconds."""

    folder: Path
    target: Target
    names: Sequence[str]
    interval: float
    ca_file: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """A file of the configuration."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def trust(self) -> dict[str, str]:
        """What makes Go's programs trust the targets' authority."""
        return {"SSL_CERT_FILE": str(self.ca_file)} if self.ca_file else {}


class Program(Struct, frozen=True):
    """One process: its command and variables; ``counts`` is false for one that only passes
    notifications on."""

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    counts: bool = True


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def probe(plan: Plan) -> list[Program]:
    """This program, with a history on disk."""
    trust = f'ca_file = "{plan.ca_file}"\n' if plan.ca_file else ""
    plan.write(
        "probe.toml",
        "\n".join(
            f'[[http]]\nname = "{name}"\nurl = "{plan.target.url(name)}"\n'
            f"interval = {plan.interval}\nretry = 1\nhold = 0\n{trust}"
            for name in plan.names
        ),
    )
    variables = {
        "PROBE_LISTEN": f"127.0.0.1:{free_port()}",
        "PROBE_DATA": str(plan.folder / "data"),
        "ALERT_WEBHOOK_URL": plan.target.hook,
        "ALERT_WEBHOOK_SECRET": "not-a-secret",
        **plan.extra,
    }
    return [Program((sys.executable, "-m", "probe"), environment(variables))]


def gatus(plan: Plan) -> list[Program]:
    """Gatus, storing in SQLite, with its metrics page and no limit of concurrent checks."""
    alerting = {"url": plan.target.hook, "method": "POST", "body": "[ENDPOINT_NAME]"}
    alerting["default-alert"] = {"enabled": True, "failure-threshold": 1}  # type: ignore[assignment]
    config = {
        "metrics": True,
        "concurrency": len(plan.names),
        "web": {"address": "127.0.0.1", "port": free_port()},
        "storage": {"type": "sqlite", "path": str(plan.folder / "gatus.db")},
        "alerting": {"custom": alerting},
        "endpoints": [
            {
                "name": name,
                "url": plan.target.url(name),
                "interval": f"{_milliseconds(plan.interval)}ms",
                "conditions": ["[STATUS] == 200"],
                "alerts": [{"type": "custom"}],
            }
            for name in plan.names
        ],
    }
    path = plan.write("gatus.yaml", json.dumps(config))
    variables = {"GATUS_CONFIG_PATH": str(path), "GATUS_LOG_LEVEL": "ERROR", **plan.trust}
    return [Program((_found("gatus"),), environment(variables))]


def cloudprober(plan: Plan) -> list[Program]:
    """Cloudprober, with its Prometheus page; it keeps no history."""
    gap = plan.interval / len(plan.names)
    endpoints = "\n".join(
        f'    endpoint {{ name: "{name}" url: "{plan.target.url(name)}" }}' for name in plan.names
    )
    trust = f'    tls_config {{ ca_cert_file: "{plan.ca_file}" }}\n' if plan.ca_file else ""
    text = f"""
host: "127.0.0.1"
port: {free_port()}
surfacer {{ type: PROMETHEUS }}
probe {{
  name: "pages"
  type: HTTP
  interval_msec: {_milliseconds(plan.interval)}
  timeout_msec: {_milliseconds(plan.interval / 2)}
  targets {{
{endpoints}
  }}
  validator {{ name: "ok" http_validator {{ success_status_codes: "200" }} }}
  alert {{
    name: "down"
    condition {{ failures: 1 total: 1 }}
    notify {{ http_notify {{ url: "{plan.target.hook}" method: POST }} }}
  }}
  http_probe {{
{trust}    latency_breakdown: ALL_STAGES
    interval_between_targets_msec: {max(1, _milliseconds(gap))}
  }}
}}
"""
    path = plan.write("cloudprober.cfg", text)
    return [Program((_found("cloudprober"), f"--config_file={path}"), environment(plan.trust))]


def _scrape_config(plan: Plan, blackbox: str, alertmanager: str) -> dict[str, Any]:
    """What Prometheus scrapes, with which rule, and where its alerts go."""
    interval = f"{_milliseconds(plan.interval)}ms"
    rule = {"alert": "Down", "expr": "probe_success == 0"}
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": blackbox},
    ]
    rules = plan.write("rules.json", json.dumps({"groups": [{"name": "down", "rules": [rule]}]}))
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [
            {
                "job_name": "pages",
                "metrics_path": "/probe",
                "params": {"module": ["page"]},
                "static_configs": [{"targets": [plan.target.url(name) for name in plan.names]}],
                "relabel_configs": relabel,
            }
        ],
    }


def prometheus(plan: Plan) -> list[Program]:
    """blackbox_exporter and Prometheus; Alertmanager passes what they find on."""
    blackbox, server, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(3))
    config = _scrape_config(plan, blackbox, alertmanager)
    route = {"receiver": "hook", "group_wait": "0s", "group_interval": "1s"}
    hook = {"name": "hook", "webhook_configs": [{"url": plan.target.hook}]}
    files = (
        plan.write("blackbox.json", json.dumps({"modules": {"page": {"prober": "http"}}})),
        plan.write("prometheus.json", json.dumps(config)),
        plan.write("alertmanager.json", json.dumps({"route": route, "receivers": [hook]})),
    )
    listen = "--web.listen-address="
    return [
        Program(
            (
                _found("prometheus-blackbox-exporter"),
                f"--config.file={files[0]}",
                listen + blackbox,
            ),
            environment(plan.trust),
        ),
        Program(
            (
                _found("prometheus"),
                f"--config.file={files[1]}",
                listen + server,
                f"--storage.tsdb.path={plan.folder}/tsdb",
            ),
        ),
        Program(
            (
                _found("prometheus-alertmanager"),
                f"--config.file={files[2]}",
                listen + alertmanager,
                "--cluster.listen-address=",
                f"--storage.path={plan.folder}/am",
            ),
            counts=False,
        ),
    ]


PROGRAMS = {
    "probe": (probe, ()),
    "Gatus": (gatus, ("gatus",)),
    "Cloudprober": (cloudprober, ("cloudprober",)),
    "Prometheus with blackbox_exporter": (
        prometheus,
        ("prometheus", "prometheus-blackbox-exporter", "prometheus-alertmanager"),
    ),
}


def missing(name: str) -> list[str]:
    """The commands of a program that are not on the PATH."""
    return [each for each in PROGRAMS[name][1] if shutil.which(each) is None]


def _found(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not on the PATH")
    return path
