"""Builds the Dockerfile with buildah and runs the image with podman, without any daemon.

The base image is in a registry that tests can't count on, so one is made from Debian's packages by
mmdebstrap: the same suite and the same Python, tagged with the name that the Dockerfile has.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests import requirements

PART = "container"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paircam-probe"
# How the image is meant to be run: one volume to write to, no capability, few resources.
LIMITS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=2000:2000"),
    *("--memory", "128m", "--pids-limit", "64", "--network", "host"),
)
_BASE = """FROM scratch
ADD base.tar /
RUN ln -s /usr/bin/python3 /usr/local/bin/python \\
 && ln -s /usr/bin/python3 /usr/local/bin/python3 \\
 && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_SYSTEMD = re.compile(r"^time=.* systemd connection .*\n", re.MULTILINE)  # not needed, and absent
# What this machine's pip needs to find packages: its settings, and the files that they name.
_PASSED = re.compile(r"PIP_\w+|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE", re.I)


def require_engine() -> None:
    """Skip the running test where no image can be built."""
    if os.geteuid() != 0:
        requirements.missing(PART, "building an image needs root")
    for program in ("buildah", "podman", "runc", "mmdebstrap"):
        requirements.program(program, part=PART)


def debian_root(suite: str, packages: str = _PACKAGES) -> Path:
    """A tar of a minimal Debian with these packages; made once and kept. Takes about a minute."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"{suite}-{packages.replace(',', '-')}.tar"
    if not path.exists():
        new = path.with_suffix(f".{os.getpid()}.tar")
        options = ["--variant=minbase", "--quiet", f"--include={packages}"]
        options += ["--aptopt=Acquire::Check-Valid-Until false"]
        run(["mmdebstrap", *options, suite, str(new)])
        new.rename(path)
    return path


def run(command: Sequence[str], *, timeout: float = 540.0) -> str:
    """What the command prints. Raises RuntimeError with all its output if it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Engine(Struct, frozen=True):
    """Images and containers in a folder of their own."""

    folder: Path

    def _stored(self, program: str) -> list[str]:
        places = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        return [program, *places, "--storage-driver", "overlay"]

    def build(self, source: Path, tag: str, *options: str) -> None:
        """``buildah bud`` of a folder. ``--format docker`` keeps HEALTHCHECK."""
        fixed = ["--format", "docker", "--isolation", "chroot", "--network", "host"]
        run(
            [
                *self._stored("buildah"),
                "bud",
                *fixed,
                "--pull-never",
                *options,
                "-t",
                tag,
                str(source),
            ]
        )

    def build_base(self, suite: str, tag: str) -> None:
        """The image that stands for the official Python image of this Debian suite."""
        folder = self.folder / "base"
        folder.mkdir(parents=True)
        shutil.copyfile(debian_root(suite), folder / "base.tar")
        (folder / "Dockerfile").write_text(_BASE)
        self.build(folder, tag)

    def podman(self, *arguments: str) -> list[str]:
        """The command line of podman with this folder's images and containers."""
        fixed = ["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"]
        return [*self._stored("podman"), *fixed, *arguments]

    def run(self, tag: str, *arguments: str, options: Sequence[str] = ()) -> "Done":
        """One container to its end, with :data:`LIMITS`."""
        command = self.podman("run", "--rm", *LIMITS, *options, tag, *arguments)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
        return Done(done.returncode, done.stdout, _SYSTEMD.sub("", done.stderr))

    def inspect(self, tag: str) -> dict[str, Any]:
        """What the image says of itself."""
        found: list[dict[str, Any]] = json.loads(run(self.podman("image", "inspect", tag)))
        return found[0]

    @contextmanager
    def container(
        self, tag: str, options: Sequence[str], arguments: Sequence[str]
    ) -> Iterator[str]:
        """A container in the background by its id; killed and removed in the end."""
        name = run(self.podman("run", "--detach", *LIMITS, *options, tag, *arguments)).strip()
        try:
            yield name
        finally:
            subprocess.run(self.podman("rm", "--force", "--time", "5", name), capture_output=True)

    @contextmanager
    def mounted(self, tag: str) -> Iterator[Path]:
        """The image's files."""
        path = run(self.podman("image", "mount", tag)).strip()
        try:
            yield Path(path)
        finally:
            run(self.podman("image", "unmount", tag))

    def close(self) -> None:
        """Remove every container, image and mount."""
        subprocess.run(self.podman("rm", "--all", "--force"), capture_output=True)
        subprocess.run(self.podman("rmi", "--all", "--force"), capture_output=True)


class Done(Struct, frozen=True):
    """How a container ended."""

    code: int
    stdout: str
    stderr: str


def pip_options(environment: Mapping[str, str]) -> list[str]:
    """Options of a build that let its pip find packages as this machine's does."""
    found = []
    for name, value in environment.items():
        if _PASSED.fullmatch(name):
            found += ["--env", f"{name}={value}"]
            found += (
                [f"--volume={value}:{value}:ro"]
                if value[:1] == "/" and Path(value).exists()
                else []
            )
    for path in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(path).exists() and f"--volume={path}:{path}:ro" not in found:
            found.append(f"--volume={path}:{path}:ro")
    return found
