"""The image is built and runs: as its user, on a read-only root, with /data to write to."""

import fcntl
import http.client
import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.container.dockerfile import read_dockerfile
from tests.container.root import Root, build, require_root
from tests.servers.process import Process, stop, wait_until

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FINAL = read_dockerfile((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
BACKEND = {"BACKEND_URL": "https://paircam.live"}


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """The built image: one for all workers of a run; the last to leave removes it."""
    require_root()
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with _locked(folder):
        built, users = folder / "image.pickle", folder / "image.users"
        if not built.exists():
            image = build(ROOT, tmp_path_factory.mktemp("image"))
            built.write_bytes(pickle.dumps(image))
        with users.open("a") as file:
            file.write("+")
    image = pickle.loads(built.read_bytes())
    yield image
    with _locked(folder):
        users.write_text(users.read_text()[1:])
        if not users.read_text():
            built.unlink()
            shutil.rmtree(image.path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_the_command_tells_the_version(image: Root) -> None:
    done = image.run([*image.entrypoint, "--version"])
    assert (done.returncode, done.stderr) == (0, "")
    assert PROJECT["version"] in done.stdout


def test_a_right_configuration_is_right_and_a_wrong_one_is_64(image: Root) -> None:
    check = [*image.entrypoint, "check-config"]
    right = image.run(check, BACKEND)
    assert (right.returncode, right.stderr) == (0, "")
    assert "Configuration is valid" in right.stdout
    wrong = image.run(check, {**BACKEND, "PROBE_LISTEN": "nowhere"})
    assert wrong.returncode == 64
    assert "PROBE_LISTEN" in wrong.stderr


def test_every_check_succeeds_against_the_lab(image: Root) -> None:
    """Signaling, TURN and calls work without what the image leaves out."""
    done = image.run([*image.entrypoint, "--once", "--lab", "--format", "json"])
    assert done.returncode == 0, done.stderr
    statuses = {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert {"signaling", "call-direct"} <= statuses.keys()
    assert set(statuses.values()) == {"ok"}


def test_the_user_can_write_to_data_and_nowhere_else(image: Root) -> None:
    folders = ["/", "/tmp", "/etc/probe", "/opt/probe", "/usr/local/lib", "/data"]
    script = 'for each do [ -w "$each" ] && echo "$each"; done; id -u; id -G'
    for read_only in (True, False):
        done = image.run(["sh", "-c", script, "sh", *folders], read_only=read_only)
        uid, _, gid = image.user.partition(":")
        tmp = [] if read_only else ["/tmp"]
        assert done.stdout.split() == [*tmp, "/data", uid, gid]


def test_the_environment_holds_no_installer_and_no_codecs(image: Root) -> None:
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = image.run(["python", "-c", script, "pip", "setuptools", "av", "aiortc", "probe"])
    assert done.stdout.strip() == "['aiortc', 'probe']"


def test_every_module_is_compiled(image: Root) -> None:
    """Nobody can write them later, so each start would compile them anew."""
    tag = sys.implementation.cache_tag
    (packages,) = image.path.glob("opt/probe/lib/python*/site-packages")
    modules = [*packages.glob("probe/**/*.py"), *packages.glob("aiohttp/*.py")]
    assert len(modules) > 100
    script = "import probe.cli as cli, aiohttp; print(cli.__cached__, aiohttp.__cached__)"
    done = image.run(["python", "-v", "-c", script])
    assert all((m.parent / "__pycache__" / f"{m.stem}.{tag}.pyc").exists() for m in modules)
    assert not re.search(r"code object from [^'\n]+\.py$", done.stderr, re.MULTILINE)


def test_the_daemon_is_healthy_until_it_ends_and_leaves_its_history(image: Root) -> None:
    port = _free_port()
    environment = {**image.environment, "PROBE_LISTEN": f"[::]:{port}"}
    healthcheck = FINAL.healthcheck.command
    assert image.run(healthcheck, environment).returncode != 0
    with _daemon(image, port, environment) as process:
        assert all(_answers(port, path) for path in ("/", "/metrics", "/healthz"))
        assert image.run(healthcheck, environment).returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
    history = image.inside(f"{image.volumes[0]}/history.sqlite").stat()
    assert history.st_size > 0
    assert f"{history.st_uid}:{history.st_gid}" == image.user


@contextmanager
def _daemon(image: Root, port: int, environment: dict[str, str]) -> Iterator[Process]:
    """The daemon in the image, after its first round against the lab."""
    log = image.path.with_name("daemon.log")
    with log.open("wb") as file:
        command = image.command([*image.entrypoint, "--lab"])
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        wait_until(lambda: _answers(port, "/readyz"), process, log, within=60)
        yield process
    finally:
        stop(process)


@pytest.mark.parts
def test_a_command_that_fails_ends_the_build(tmp_path: Path) -> None:
    require_root()
    (tmp_path / ".dockerignore").write_text("*\n")
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nRUN echo said && false\n")
    with pytest.raises(RuntimeError, match="RUN echo said && false\nsaid\n"):
        build(tmp_path, tmp_path / "built")


@pytest.mark.parts
def test_what_is_ignored_can_not_be_copied(tmp_path: Path) -> None:
    require_root()
    (tmp_path / ".dockerignore").write_text("*\n!Dockerfile\n")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\nCOPY Dockerfile secret ./\n")
    with pytest.raises(RuntimeError, match="COPY secret"):
        build(tmp_path, tmp_path / "built")


@pytest.mark.proof
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_locked_package_has_a_wheel_for_the_image(machine: str, tmp_path: Path) -> None:
    """The tests' own Python may be another than the image's, on another machine."""
    version = FINAL.base.split(":")[1].split("-")[0]
    options = ["--dest", str(tmp_path), "--no-deps", "--only-binary", ":all:"]
    options += ["--require-hashes", "--requirement", str(ROOT / "requirements.txt")]
    options += ["--implementation", "cp", "--python-version", version]
    libc = ["manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 26, 28, 31, 34))]
    options += [word for each in libc for word in ("--platform", f"{each}_{machine}")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with closing(socket.create_server(("::", 0), family=socket.AF_INET6)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
