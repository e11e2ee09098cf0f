"""fly.toml fits the image, the pages and the variables that are read."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from probe.cli import cli
from probe.config.listen import DEFAULT_LISTEN
from probe.config.probe_environment import ProbeEnvironment
from probe.config.settings import DEFAULT_CONFIG, load_settings
from probe.kinds import KINDS
from probe.web.access import METRICS_PATH, OPEN_PATHS
from tests.container.dockerfile import SECRET, read_dockerfile

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "fly.toml").read_text(encoding="utf-8")
FLY: dict[str, Any] = tomllib.loads(TEXT)
FINAL = read_dockerfile(ROOT / "Dockerfile")[-1]
PORT = int(DEFAULT_LISTEN.rpartition(":")[2])


def test_the_image_is_built_from_our_dockerfile() -> None:
    assert (ROOT / FLY["build"]["dockerfile"]).is_file()


def test_nothing_is_on_the_public_internet() -> None:
    assert not {"http_service", "services"} & FLY.keys()


def test_metrics_and_checks_are_where_the_probe_listens() -> None:
    assert FLY["env"]["PROBE_LISTEN"] == DEFAULT_LISTEN
    assert FLY["metrics"] == {"port": PORT, "path": METRICS_PATH}
    paths = {check["path"] for check in FLY["checks"].values()}
    assert paths == {"/healthz", "/readyz"}
    assert paths <= OPEN_PATHS
    assert {check["port"] for check in FLY["checks"].values()} == {PORT}


@pytest.mark.parametrize("name", FLY["checks"])
def test_a_check_is_whole(name: str) -> None:
    assert FLY["checks"][name].keys() == {
        *("type", "port", "method", "path", "interval", "timeout", "grace_period")
    }


def test_readiness_is_not_asked_before_the_first_round_can_be_over() -> None:
    assert _seconds(FLY["checks"]["ready"]["grace_period"]) > 30


def test_the_volume_is_where_the_history_goes() -> None:
    mount = FLY["mounts"]
    assert FLY["env"]["PROBE_DATA"] == mount["destination"]
    assert mount["destination"] in FINAL.last("VOLUME").words
    assert mount["source"].isidentifier()  # Fly allows letters, digits and underscores


def test_the_daemon_gets_a_signal_and_has_time_to_end() -> None:
    assert FLY["kill_signal"] == FINAL.last("STOPSIGNAL").value
    assert 8 < FLY["kill_timeout"] <= 300


def test_the_machine_is_the_smallest_and_always_comes_back() -> None:
    assert FLY["vm"] == [{"size": "shared-cpu-1x", "memory": "256mb"}]
    assert FLY["restart"] == [{"policy": "always"}]


def test_the_configuration_file_is_where_the_probe_reads_it() -> None:
    """Its lines are comments, because Fly wants a file that is named to exist."""
    _, _, comments = TEXT.partition("# [[files]]\n")
    written = tomllib.loads(re.sub(r"^# ?", "", comments, flags=re.MULTILINE))
    assert written["guest_path"] == f"{FINAL.last('WORKDIR').value}/{DEFAULT_CONFIG}"
    assert written["local_path"] == DEFAULT_CONFIG


def test_a_wrong_configuration_stops_the_deployment() -> None:
    """Fly appends the release command to the image's entrypoint."""
    assert FLY["deploy"]["release_command"] in cli.commands


def test_every_variable_is_one_that_is_read() -> None:
    assert FLY["env"].keys() <= _read()
    # Fly refuses others than texts, and names of its own.
    assert all(isinstance(value, str) for value in FLY["env"].values())
    assert not any(name.startswith("FLY_") for name in FLY["env"])


def test_the_variables_make_a_plan() -> None:
    settings = load_settings(KINDS, FLY["env"], alone=True)
    assert {"health", "call-direct"} <= {check.name for check in settings.plan.checks}
    assert settings.service.data == Path(FLY["mounts"]["destination"])
    assert settings.service.metrics_open  # Fly's scraper can't log in


def test_no_secret_stands_in_the_file() -> None:
    assert not [name for name in FLY["env"] if SECRET.search(name)]
    addresses = [urlsplit(value) for value in FLY["env"].values() if "://" in value]
    assert not [each for each in addresses if each.username or each.query]


def _read() -> set[str]:
    names = {name for kind in KINDS for name in kind.environment.variable_names()}
    return names | set(ProbeEnvironment.variable_names())


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
