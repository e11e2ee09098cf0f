"""Where each promised Python comes from: this machine, or a chroot of Debian's packages."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tests import requirements
from tests.container.engine import PART, debian_root

ROOT = Path(__file__).parents[2]
# The suite of Debian that has each one.
SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky", "3.15": "forky"}
VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
# Folders of tests that need no real part; the others are for `make test`, on each Python in CI.
FAST = (
    *("budget", "call", "config", "core", "diagnostics", "exporter", "gate", "history", "ice"),
    *("net", "paircam", "report", "storage", "stun", "telemetry", "turn"),
    *("turn_targets", "untrusted", "web"),
)
# And one has none that is not needed there: google-re2, for the regular expressions of /probe.
_LEFT_OUT = {"3.15": {"exporter"}}
_PACKAGES = "ca-certificates,curl,iproute2,git,openssl"
# Some packages have no wheel yet for a Python that is not out.
_COMPILERS = {"3.15": ",gcc,libc6-dev,python3.15-dev"}
_STEPS = """set -eu
cd "$SOURCE"
"$PYTHON" -m venv "$WORK/venv"
pip="$WORK/venv/bin/pip --disable-pip-version-check --quiet"
$pip install --require-hashes --requirement requirements.txt
# Coverage is not measured here, and its tool has no release for a Python that is not out yet.
awk '/^[^ ]/ { left = /^slipcover==/ } !left' requirements-dev.txt >"$WORK/dev.txt"
$pip install --require-hashes --requirement "$WORK/dev.txt"
$pip install --no-deps --no-build-isolation .
"$WORK/venv/bin/probe" --once --lab --format json >"$WORK/lab.json"
options="-q -p no:cacheprovider --timeout 300 -n 2"
"$WORK/venv/bin/python" -m pytest $options $TESTS >"$WORK/tests.txt"
"""
_COUNTS = re.compile(r"(\d+) (passed|failed|skipped|errors?)")
# Files that pip's settings name, besides those in the environment.
_SETTINGS = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/resolv.conf")
_PASSED = re.compile(r"PIP_\w+|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE", re.I)


class Outcome(Struct, frozen=True):
    """How a Python got on: its full version, the lab's statuses, how many tests did what."""

    version: str
    statuses: Mapping[str, str]
    tests: Mapping[str, int]
    shown: str


def interpreter(version: str) -> Path | None:
    """This machine's interpreter of a version such as 3.12; None if there is none.

    One that pyenv has installed but not switched on is found too.
    """
    homes = [Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")]
    kept = (path for home in homes for path in home.glob(f"versions/{version}.*/bin/python"))
    named = shutil.which(f"python{version}")
    for path in (*([Path(named)] if named else []), *sorted(kept)):
        if _version_of(path).startswith(f"{version}."):
            return path
    return None


def run_here(python: Path, folder: Path) -> Outcome:
    """Install into an environment of its own, run the lab and the fast tests."""
    copy_sources(folder / "source")
    places = {"SOURCE": str(folder / "source"), "WORK": str(folder), "PYTHON": str(python)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROBE_")}
    return _run(["sh", "-c", _STEPS], {**kept, **places}, folder, _version_of(python))


def run_in_chroot(version: str, folder: Path) -> Outcome:
    """The same in a chroot of the Debian suite that has this Python; skips without the tools."""
    if os.geteuid() != 0:
        requirements.missing(PART, f"no Python {version} here, and a chroot needs root")
    for program in ("mmdebstrap", "unshare", "chroot"):
        requirements.program(program, part=PART)
    root = folder / "root"
    root.mkdir()
    wanted = f"python{version},python{version}-venv,{_PACKAGES}{_COMPILERS.get(version, '')}"
    subprocess.run(["tar", "-C", root, "-xf", debian_root(SUITES[version], wanted)], check=True)
    copy_sources(root / "probe")
    (root / "work").mkdir()
    (root / "steps.sh").write_text(_STEPS)
    places = {"SOURCE": "/probe", "WORK": "/work", "PYTHON": f"python{version}"}
    inside = (
        f"mount --rbind /proc {root}/proc && mount --rbind /dev {root}/dev && "
        f"exec chroot {root} sh /steps.sh"
    )
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    settings = _pip_settings(root)
    command = ["unshare", "--mount", "sh", "-c", inside]
    return _run(command, {**path, **places, **settings}, root / "work", version)


def copy_sources(target: Path) -> None:
    """The repository's files, as they are here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _run(command: list[str], env: Mapping[str, str], work: Path, version: str) -> Outcome:
    folders = [name for name in FAST if name not in _LEFT_OUT.get(version[:4], set())]
    env = {**env, "TESTS": " ".join(f"tests/{name}" for name in folders)}
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    tests, lab = work / "tests.txt", work / "lab.json"
    said = tests.read_text() if tests.exists() else ""
    checks = json.loads(lab.read_text())["checks"] if lab.exists() and lab.stat().st_size else []
    last = said.strip().splitlines()[-1] if said.strip() else ""
    counts = {name: int(number) for number, name in _COUNTS.findall(last)}
    statuses = {each["name"]: each["status"] for each in checks}
    return Outcome(version, statuses, counts, (done.stdout + done.stderr + said)[-6000:])


def _version_of(python: Path) -> str:
    done = subprocess.run([python, "-V"], capture_output=True, text=True, check=False)
    return done.stdout.removeprefix("Python ").strip()


def _pip_settings(root: Path) -> dict[str, str]:
    """The settings of this machine's pip, with the files and folders that they name copied."""
    found = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    for each in (*found.values(), *_SETTINGS):
        source = Path(each)
        if not each.startswith("/") or not source.exists():
            continue
        target = root / each.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    return found
