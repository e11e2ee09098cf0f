"""What a daemon loads: each library only for what is configured. A module once loaded stays."""

import json
import subprocess
import sys
from functools import cache

_LOADED = """
import json, sys
from dataclasses import replace
from probe.commands import daemon
from probe.config.check_plan import select
from probe.config.settings import load_settings
from probe.core.runner import preload
from probe.daemon.daemon import Daemon
from probe.daemon.self_monitoring.shipped import read_shipped
from probe.kinds import KINDS
settings = load_settings(KINDS, json.loads(sys.argv[1]), alone=True)
plan = select(settings.plan, json.loads(sys.argv[2]), (), once=False)
settings = replace(settings, plan=plan)
assert settings.plan.checks
Daemon(settings, lambda: settings)
read_shipped(settings.alerting.notifiers)
preload(settings.plan.checks)
print(json.dumps(sorted(sys.modules)))
"""
_ENVIRONMENT = {
    "BACKEND_URL": "https://example.org",
    "TURN_URLS": "turns:turn.example.org:443?transport=tcp",
    "TURN_USERNAME": "a",
    "TURN_PASSWORD": "b",
}


@cache
def loaded(*kinds: str) -> frozenset[str]:
    """The modules of a daemon that runs checks of these kinds."""
    arguments = (json.dumps(_ENVIRONMENT), json.dumps(kinds))
    command = [sys.executable, "-c", _LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stdout))


def packages(*kinds: str) -> set[str]:
    """The packages that these modules are in."""
    return {name.partition(".")[0] for name in loaded(*kinds)}


_OF_CALLS = {"OpenSSL", "aioice", "aiortc", "av", "cryptography", "pylibsrtp"}


def test_a_daemon_without_calls_does_not_load_what_only_calls_need() -> None:
    assert not packages("http", "signaling", "turn") & _OF_CALLS


def test_a_daemon_that_notifies_nobody_does_not_load_what_only_pages_need() -> None:
    of_pages = {"jinja2", "markdown_it", "mdurl", "xml"}
    assert not packages("http", "signaling", "turn") & of_pages


def test_a_daemon_that_never_probes_on_request_does_not_load_the_exporters_models() -> None:
    names = loaded("http", "signaling", "turn")
    assert "probe.exporter.service" in names
    models = {name for name in names if name.startswith("probe.exporter.modules.")}
    assert models == {"probe.exporter.modules.builtin"}
