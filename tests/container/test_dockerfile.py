"""The Dockerfile says what the package, fly.toml and the pages say."""

import json
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from probe.cli import cli
from probe.config.listen import DEFAULT_LISTEN
from probe.config.probe_environment import ProbeEnvironment
from probe.kinds import KINDS
from tests.container.dockerfile import SECRET, read_dockerfile

ROOT = Path(__file__).parents[2]
STAGES = read_dockerfile(ROOT / "Dockerfile")
BUILDER, FINAL = STAGES
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PORT = int(DEFAULT_LISTEN.rpartition(":")[2])


def test_every_source_of_a_copy_exists() -> None:
    assert [each for each in _copied_from_the_repository() if not (ROOT / each).exists()] == []


def test_all_that_the_package_is_made_of_is_copied() -> None:
    """Its packages by setuptools' patterns, and the files that pyproject.toml names."""
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = [init.parent.name for init in ROOT.glob("*/__init__.py")]
    packages = {name for name in folders if any(fnmatchcase(name, each) for each in patterns)}
    project = PROJECT["project"]
    files = {"pyproject.toml", "requirements.txt", project["readme"], *project["license-files"]}
    copied = {source.rstrip("/") for source in _copied_from_the_repository()}
    assert copied == packages | files


def test_both_stages_stand_on_one_python_that_the_project_supports() -> None:
    (base,) = {stage.base for stage in STAGES}
    found = re.fullmatch(r"python:3\.(\d+)-slim-[a-z]+", base)
    assert found is not None
    classifier = f"Programming Language :: Python :: 3.{found[1]}"
    assert classifier in PROJECT["project"]["classifiers"]


def test_every_install_is_by_hash_or_of_the_project_alone() -> None:
    runs = [part for stage in STAGES for run in stage.all("RUN") for part in run.value.split("&&")]
    installs = [run for run in runs if re.search(r"\bpip\b.*\binstall\b", run)]
    assert len(installs) == 2
    for install in installs:
        locked = {"--require-hashes", "--only-binary :all:"}
        alone = {"--no-deps", "--no-build-isolation"}
        assert any(all(flag in install for flag in flags) for flags in (locked, alone))
        assert "://" not in install


def test_the_final_stage_installs_nothing() -> None:
    assert not any(re.search(r"\b(pip|apt-get)\b", run.value) for run in FINAL.all("RUN"))
    assert [copy.flags for copy in FINAL.all("COPY")] == [{"from": BUILDER.name}]


def test_the_user_is_a_fixed_number_and_is_made() -> None:
    uid, _, gid = FINAL.last("USER").value.partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    made = " ".join(run.value for run in FINAL.all("RUN"))
    assert f"useradd --uid {uid}" in made
    assert f"groupadd --gid {gid}" in made


def test_the_entrypoint_is_the_command_that_the_package_brings() -> None:
    (command,) = FINAL.last("ENTRYPOINT").words
    assert command in PROJECT["project"]["scripts"]
    assert FINAL.last("STOPSIGNAL").value == "SIGTERM"


def test_the_port_is_the_default_everywhere() -> None:
    assert FINAL.environment["PROBE_LISTEN"] == DEFAULT_LISTEN
    assert FINAL.last("EXPOSE").value == str(PORT)


def test_the_healthcheck_is_the_command_that_reads_the_configuration() -> None:
    command, *words = json.loads(FINAL.last("HEALTHCHECK").value.removeprefix("CMD "))
    assert command in PROJECT["project"]["scripts"]
    assert words == ["healthcheck"]
    assert words[0] in cli.commands


def test_data_is_a_volume_that_is_made_for_the_user() -> None:
    (volume,) = FINAL.last("VOLUME").words
    assert FINAL.environment["PROBE_DATA"] == volume
    assert FINAL.environment["TMPDIR"] == volume
    assert any(run.value.endswith(("/etc/probe", volume)) for run in FINAL.all("RUN"))


def test_every_variable_of_the_probe_is_one_that_it_reads() -> None:
    known = set(ProbeEnvironment.variable_names())
    known |= {name for kind in KINDS for name in kind.environment.variable_names()}
    assert {name for name in FINAL.environment if name.startswith("PROBE_")} <= known


def test_no_secret_is_built_in() -> None:
    pairs = [each.pairs for stage in STAGES for each in [*stage.all("ENV"), *stage.all("ARG")]]
    assert not [name for names in pairs for name in names if SECRET.search(name)]
    assert not [stage for stage in STAGES if stage.all("ADD")]


def test_the_labels_say_what_the_package_says() -> None:
    project, labels = PROJECT["project"], FINAL.last("LABEL").pairs
    prefix = "org.opencontainers.image."
    assert labels[prefix + "title"] == project["name"]
    assert labels[prefix + "description"] == project["description"]
    assert labels[prefix + "licenses"] == project["license"]


def _copied_from_the_repository() -> list[str]:
    copies = [copy for stage in STAGES for copy in stage.all("COPY") if "from" not in copy.flags]
    return [source for copy in copies for source in copy.words[:-1]]
