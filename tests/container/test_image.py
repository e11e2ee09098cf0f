"""The real image, built and run: read-only, no capability, 128 MB, 64 processes."""

import contextlib
import fcntl
import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.container.dockerfile import read_dockerfile
from tests.container.engine import Engine, pip_options, require_engine, run
from tests.servers.ports import free_port

pytestmark = [pytest.mark.proof, pytest.mark.parts]

ROOT = Path(__file__).parents[2]
TAG = "localhost/probe:test"
FINAL = read_dockerfile(ROOT / "Dockerfile")[-1]
BACKEND = ("--env", "BACKEND_URL=https://paircam.live")
PYTHON = ("--entrypoint", "python")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine with the image in it: one for all workers; the last to leave removes it."""
    require_engine()
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    engine, users = Engine(folder / "image"), folder / "image.users"
    with _locked(folder):
        if not users.exists():
            _build(engine)
        with users.open("a") as file:
            file.write("+")
    yield engine
    with _locked(folder):
        users.write_text(users.read_text()[1:])
        if not users.read_text():
            engine.close()
            shutil.rmtree(engine.folder, ignore_errors=True)


def _build(engine: Engine) -> None:
    suite = FINAL.base.rpartition("-")[2]
    engine.build_base(suite, f"docker.io/library/{FINAL.base}")
    started = time.monotonic()
    engine.build(ROOT, TAG, *pip_options(os.environ))
    size, base = (engine.inspect(each)["Size"] for each in (TAG, FINAL.base))
    took = time.monotonic() - started
    print(f"image: built in {took:.0f} s, {(size - base) // 10**6} MB over its base")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_the_base_has_the_python_that_the_dockerfile_names(engine: Engine) -> None:
    done = engine.run(
        TAG, "-c", "import sys; print(*sys.version_info[:2], sep='.')", options=PYTHON
    )
    assert done.stdout.strip() == FINAL.base.split(":")[1].split("-")[0]


def test_the_image_keeps_what_the_dockerfile_says(engine: Engine) -> None:
    image = engine.inspect(TAG)
    config = image["Config"]
    assert config["Entrypoint"] == FINAL.last("ENTRYPOINT").words
    assert config["User"] == FINAL.last("USER").value
    assert list(config["Volumes"]) == FINAL.last("VOLUME").words
    assert config["StopSignal"] == FINAL.last("STOPSIGNAL").value
    assert image["Healthcheck"]["Test"] == ["CMD", "probe", "healthcheck"]
    assert list(config["ExposedPorts"]) == [FINAL.last("EXPOSE").value + "/tcp"]


def test_nothing_but_what_is_copied_gets_into_the_build(engine: Engine, tmp_path: Path) -> None:
    for name in (".env", "probe.toml", "probe/a.pyc", "probe/b.py", "tests/c.py", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    engine.build(tmp_path, "localhost/context:test")
    with engine.mounted("localhost/context:test") as files:
        found = {str(each.relative_to(files)) for each in files.rglob("*") if each.is_file()}
    assert found == {"probe/b.py"}


def test_a_right_configuration_is_right_and_a_wrong_one_is_64(engine: Engine) -> None:
    right = engine.run(TAG, "check-config", options=BACKEND)
    assert (right.code, right.stderr) == (0, "")
    assert "Configuration is valid" in right.stdout
    wrong = engine.run(TAG, "check-config", options=(*BACKEND, "--env", "PROBE_LISTEN=nowhere"))
    assert wrong.code == 64
    assert "PROBE_LISTEN" in wrong.stderr


def test_every_check_succeeds_against_the_lab(engine: Engine) -> None:
    """Signaling, TURN and calls work without what the image leaves out, in 128 MB."""
    done = engine.run(TAG, "--once", "--lab", "--format", "json")
    assert done.code == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    statuses = {check["name"]: check["status"] for check in report["checks"]}
    assert {"signaling", "call-direct"} <= statuses.keys()
    assert set(statuses.values()) == {"ok"}
    print(f"--once --lab: {len(statuses)} checks in {report['duration_seconds']:.2f} s")


def test_the_user_can_write_to_data_and_nowhere_else(engine: Engine) -> None:
    folders = "/ /tmp /etc/probe /opt/probe /usr/local/lib /var/tmp /run /data"
    script = (
        f'for each in {folders}; do touch "$each/x" 2>/dev/null && echo "$each"; done; id -u; id -G'
    )
    done = engine.run(TAG, "-c", script, options=("--entrypoint", "sh"))
    # podman gives a read-only container a tmpfs at /tmp and others, unless it is asked not to.
    strict = engine.run(
        TAG, "-c", script, options=("--entrypoint", "sh", "--read-only-tmpfs=false")
    )
    uid, _, gid = FINAL.last("USER").value.partition(":")
    assert set(done.stdout.split()) <= {"/tmp", "/var/tmp", "/run", "/data", uid, gid}
    assert strict.stdout.split() == ["/data", uid, gid]


def test_the_process_has_no_capability_and_gains_none(engine: Engine) -> None:
    script = (
        "print(*(line for line in open('/proc/self/status') if line[:3] in ('Cap', 'NoN')), sep='')"
    )
    done = engine.run(TAG, "-c", script, options=PYTHON)
    found = dict(line.split(":\t") for line in done.stdout.split("\n") if line)
    assert found.pop("NoNewPrivs") == "1"
    assert {int(value, 16) for value in found.values()} == {0}


def test_the_environment_holds_no_installer_and_no_codecs(engine: Engine) -> None:
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    names = ("pip", "setuptools", "av", "aiortc", "probe")
    done = engine.run(TAG, "-c", script, *names, options=PYTHON)
    # The stand-in for the official image has Debian's pip, which the environment doesn't see.
    assert done.stdout.strip() == "['aiortc', 'probe']"


def test_every_module_is_compiled(engine: Engine) -> None:
    """Nobody can write them later, so each start would compile them anew."""
    done = engine.run(TAG, "-v", "-c", "import probe.cli, aiohttp", options=PYTHON)
    assert done.code == 0
    assert re.findall(r"code object from [^'\n]+\.py'?$", done.stderr, re.MULTILINE) == []


def test_the_daemon_is_healthy_until_it_ends_and_leaves_its_history(
    engine: Engine, tmp_path: Path
) -> None:
    data, port = _volume(tmp_path), free_port()
    with engine.container(TAG, _daemon(data, port), ["--lab"]) as name:
        started = time.monotonic()
        _until(lambda: _answers(port, "/healthz"), engine, name)
        print(f"daemon: answers {time.monotonic() - started:.2f} s after it was started")
        _until(lambda: _answers(port, "/readyz"), engine, name)
        assert all(_answers(port, path) for path in ("/", "/metrics", "/healthz"))
        run(engine.podman("healthcheck", "run", name))
        print(f"daemon: memory {_stat(engine, name)}")
        begun = time.monotonic()
        run(engine.podman("stop", "--time", "30", name))
        print(f"daemon: SIGTERM obeyed in {time.monotonic() - begun:.1f} s")
        assert _exit_code(engine, name) == 0
    history = (data / "history.sqlite").stat()
    assert history.st_size > 0
    assert f"{history.st_uid}:{history.st_gid}" == FINAL.last("USER").value


def test_a_daemon_that_does_not_answer_is_unhealthy(engine: Engine, tmp_path: Path) -> None:
    options = (*_daemon(_volume(tmp_path), free_port()), "--entrypoint", "sleep")
    with engine.container(TAG, options, ["120"]) as name, pytest.raises(RuntimeError):
        run(engine.podman("healthcheck", "run", name))


def test_a_volume_of_the_version_before_is_taken_over(engine: Engine, tmp_path: Path) -> None:
    data, port = _volume(tmp_path), free_port()
    uid, gid = (int(each) for each in FINAL.last("USER").value.split(":"))
    for file in (ROOT / "tests/contract/data").glob("*.sqlite"):
        shutil.copy(file, data)
        os.chown(data / file.name, uid, gid)
        (data / file.name).chmod(0o644)
    data.chmod(0o755)
    before = _count(data / "history.sqlite", "entries")
    with engine.container(TAG, _daemon(data, port), ["--lab"]) as name:
        _until(lambda: _answers(port, "/readyz"), engine, name)
        run(engine.podman("healthcheck", "run", name))
        run(engine.podman("stop", "--time", "30", name))
        assert _exit_code(engine, name) == 0
    assert _count(data / "history.sqlite", "entries") >= before > 0
    assert _count(data / "alerts.sqlite", "silences") == 1
    assert not list(data.glob("*.damaged*"))
    assert data.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in data.glob("*.sqlite")} == {0o600}


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


def _volume(folder: Path) -> Path:
    """A data folder of the image's user, where its uid can reach it."""
    data = folder / "data"
    data.mkdir()
    uid, gid = (int(each) for each in FINAL.last("USER").value.split(":"))
    os.chown(data, uid, gid)
    return data


def _daemon(data: Path, port: int) -> tuple[str, ...]:
    return ("--volume", f"{data}:/data", "--env", f"PROBE_LISTEN=127.0.0.1:{port}")


def _until(holds: Callable[[], bool], engine: Engine, name: str, within: float = 120.0) -> None:
    until = time.monotonic() + within
    while not holds():
        if time.monotonic() > until:
            logs = subprocess.run(engine.podman("logs", name), capture_output=True, text=True)
            raise AssertionError(f"not within {within:g} s\n{logs.stdout}{logs.stderr}")
        time.sleep(0.05)


def _stat(engine: Engine, name: str) -> str:
    return run(engine.podman("stats", "--no-stream", "--format", "{{.MemUsage}}", name)).strip()


def _exit_code(engine: Engine, name: str) -> int:
    return int(run(engine.podman("wait", name)))


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200
    return False
