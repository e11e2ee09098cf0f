"""Builds our Dockerfile without a container engine, in a plain root file system.

A root has its own /etc, /usr/local and whatever the build makes; the programs of this machine
are mounted into it read-only, and its Python stands where the official image has one. Every
command runs in a mount namespace of its own, which goes away with it, so nothing has to be
unmounted. Other than in an engine, the network and the processes are the machine's.
"""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from string import Template

from tests import requirements
from tests.container.dockerfile import Ignore, Instruction, Stage, read_dockerfile

_PART = "container"
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where this machine's pip finds packages, and how it gets out.
_PASSED = re.compile(r"PIP_\w+|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE", re.I)
_ETC = "group hosts ld.so.cache login.defs nsswitch.conf passwd pip.conf resolv.conf ssl xdg/pip"
_SAYS_ONLY = {"LABEL", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"}
_UNSHARE = ("unshare", "--mount", "--propagation", "private")


@dataclass(slots=True)
class Root:
    """A root file system, and what its image says of how to run in it."""

    path: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    directory: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """Where a path of the root is in this machine; relative ones count from WORKDIR."""
        return self.path / str(PurePosixPath(self.directory) / path).lstrip("/")

    def command(self, argv: Sequence[str], *, read_only: bool = True) -> list[str]:
        """What starts `argv` as the image's user in its directory; the process is its own.

        Read-only leaves the volumes to write to and nothing else, not even /tmp.
        """
        uid, _, gid = self.user.partition(":")
        enter = ["chroot", f"--userspec={uid}:{gid or uid}", "--groups=", str(self.path)]
        enter += ["env", f"--chdir={self.directory}", *argv]
        script = "\n".join([*self._mounts(read_only), f"exec {shlex.join(enter)}"])
        return [*_UNSHARE, "sh", "-eu", "-c", script]

    def run(
        self, argv: Sequence[str], extra: Mapping[str, str] | None = None, *, read_only: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs to the end; the exit code and what was printed are the caller's to judge."""
        return subprocess.run(
            self.command(argv, read_only=read_only),
            env={**self.environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _mounts(self, read_only: bool) -> list[str]:
        volumes = [self.inside(volume) for volume in self.volumes]
        lines = [_mount(place, place, "bind") for place in (self.path, *volumes)]
        if read_only:  # only now, because a volume's mount takes the flags of what it is made from
            lines.append(_mount(self.path, self.path, "remount,bind,ro"))
        else:
            tmp = str(self.path / "tmp")
            lines.append(shlex.join(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", tmp]))
        shared = _shared()
        return lines + [_mount(there, _below(self.path, here), "bind,ro") for there, here in shared]


def require_root() -> None:
    """Skips the running test where no root can be made."""
    if os.geteuid() != 0:
        requirements.missing(_PART, "a root file system needs root")
    for program in ("unshare", "mount", "chroot", "env", "useradd"):
        requirements.program(program, part=_PART)
    if _pip() is None:
        requirements.missing(_PART, "no pip beside this Python")
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        requirements.missing(_PART, tried.stderr.strip())


def build(source: Path, directory: Path) -> Root:
    """Runs every instruction of every stage; the last stage's root is the image, the others go.

    Raises RuntimeError with the instruction and its output when one fails.
    """
    context = _context(source, directory / "context")
    built: dict[str, Root] = {}
    stages = read_dockerfile((source / "Dockerfile").read_text("utf-8"))
    for number, stage in enumerate(stages):
        root = _start(stage, built, directory / f"stage-{number}")
        for instruction in stage.instructions:
            _step(instruction, root, built, context)
        built[stage.name or str(number)] = root
    *others, image = built.values()
    for path in (context, *(root.path for root in others)):
        shutil.rmtree(path)
    return image


def _context(source: Path, target: Path) -> Path:
    """What the engine would be sent: the files that .dockerignore leaves."""
    target.mkdir(parents=True)
    ignore = Ignore((source / ".dockerignore").read_text("utf-8"))
    for file in ignore.context(source):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / file, target / file)
    return target


def _start(stage: Stage, built: Mapping[str, Root], path: Path) -> Root:
    if stage.base in built:
        shutil.copytree(built[stage.base].path, path, symlinks=True)
        return Root(path, dict(built[stage.base].environment))
    root = Root(path)
    _furnish(path)
    return root


def _furnish(root: Path) -> None:
    """What a slim official image has, as far as a build can tell."""
    for folder in ("dev", "proc", "tmp", "var", "root", "usr/local/bin", "usr/local/lib"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in _ETC.split():
        _copy(Path("/etc", name), root / "etc" / name)
    for name in (".pip", ".config/pip"):
        _copy(Path.home() / name, root / "root" / name)
    for link in (entry for entry in Path("/").iterdir() if entry.is_symlink()):
        (root / link.name).symlink_to(os.readlink(link))
    for source, place in _shared():
        inside = _below(root, place)
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.mkdir(exist_ok=True) if source.is_dir() else inside.touch()
    _furnish_programs(root / "usr/local/bin")


def _furnish_programs(folder: Path) -> None:
    for name in ("python", "python3"):
        (folder / name).symlink_to(_python().name)
    (folder / "pip").write_text('#!/bin/sh\nexec python /usr/local/lib/pip "$@"\n')
    (folder / "pip").chmod(0o755)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        shutil.copy2(source, target)


def _below(root: Path, place: Path) -> Path:
    return root / place.relative_to("/")


def _mount(source: Path, target: Path, options: str) -> str:
    return shlex.join(["mount", "-o", options, str(source), str(target)])


def _python() -> Path:
    """This machine's interpreter, not the environment that runs the tests."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(sys.base_prefix, "bin", version).resolve()


def _pip() -> Path | None:
    spec = importlib.util.find_spec("pip")
    return Path(spec.origin).parent if spec and spec.origin else None


def _shared() -> list[tuple[Path, Path]]:
    """What comes from this machine: (there, in the root)."""
    places = [Path("/", name) for name in ("dev", "proc", "bin", "sbin", "lib", "lib64", "lib32")]
    places += [entry for entry in Path("/usr").iterdir() if entry.name != "local"]
    places += _elsewhere()
    shared = [(place, place) for place in places if place.is_dir() and not place.is_symlink()]
    local, version = Path("/usr/local"), _python().name
    shared += [(_python(), local / "bin" / version)]
    shared += [(Path(sys.base_prefix, "lib", version), local / "lib" / version)]
    shared += [(pip, local / "lib/pip") for pip in [_pip()] if pip]
    return shared


def _elsewhere() -> list[Path]:
    """The interpreter's own prefix, where its library is, and folders that pip is told of."""
    told = " ".join(value for name, value in os.environ.items() if name.startswith("PIP_"))
    places = [Path(sys.base_prefix), *(Path(word) for word in told.split() if word[0] == "/")]
    return [place for place in places if not place.is_relative_to("/usr")]


def _step(instruction: Instruction, root: Root, built: Mapping[str, Root], context: Path) -> None:
    match instruction.name:
        case "RUN":
            _run(instruction, root)
        case "COPY":
            source = instruction.flags.get("from")
            _copy_in(instruction.words, root, built[source].path if source else context)
        case "ENV":
            for name, value in instruction.pairs.items():
                root.environment[name] = Template(value).substitute(root.environment)
        case _:
            _declare(instruction, root)


def _run(instruction: Instruction, root: Root) -> None:
    passed = {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}
    done = root.run(instruction.command, {"HOME": "/root", **passed}, read_only=False)
    if done.returncode != 0:
        raise RuntimeError(f"RUN {instruction.value}\n{done.stdout}\n{done.stderr}")


def _copy_in(words: Sequence[str], root: Root, source: Path) -> None:
    """A folder's content goes into the target, a file into a target that ends in a slash."""
    *names, to = words
    for name in names:
        origin, target = source / name.lstrip("/"), root.inside(to)
        if not origin.exists():
            raise RuntimeError(f"COPY {name}: it is not there, or .dockerignore leaves it out")
        if origin.is_dir():
            shutil.copytree(origin, target, symlinks=True, dirs_exist_ok=True)
        else:
            _copy(origin, target / origin.name if to.endswith("/") else target)


def _declare(instruction: Instruction, root: Root) -> None:
    match instruction.name:
        case "WORKDIR":
            root.directory = str(PurePosixPath(root.directory) / instruction.value)
            root.inside(".").mkdir(parents=True, exist_ok=True)
        case "USER":
            root.user = instruction.value
        case "VOLUME":
            root.volumes += instruction.words
        case "ENTRYPOINT":
            root.entrypoint = instruction.words
        case name if name not in _SAYS_ONLY:
            raise ValueError(f"this builder doesn't know {name}")
