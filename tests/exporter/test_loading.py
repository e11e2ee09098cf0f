"""What only ``/probe`` needs is loaded by nothing else, and validated when it is asked for."""

import subprocess
import sys

import pytest

from probe.exporter.modules.builtin import Modules
from probe.exporter.modules.module import Module

_LOADED = """
import sys
import probe.commands.daemon
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_the_daemon_does_not_load_what_only_probes_on_request_need() -> None:
    names = ["probe.exporter.checks", "probe.exporter.probers.dns", "cryptography", "yaml"]
    command = [sys.executable, "-c", _LOADED, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_configured_module_replaces_the_one_built_in() -> None:
    own = Module.model_validate({"prober": "tcp", "timeout": "3s"})
    modules = Modules({"http_2xx": own, "mine": own})
    assert modules["http_2xx"] is modules["mine"] is own
    assert modules["http_post_2xx"].prober == "http"
    assert modules.keys() == {*Modules({}), "mine"}
    assert len(modules) == len(Modules({})) + 1


@pytest.mark.parametrize("name", ["", "none", "__init__"])
def test_a_name_of_none_has_no_module(name: str) -> None:
    modules = Modules({})
    assert name not in modules
    assert modules.get(name) is None
    with pytest.raises(KeyError):
        modules[name]
