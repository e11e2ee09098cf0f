"""The real parts as Debian's next release has them, without installing anything."""

import subprocess
from pathlib import Path

from tests.container.engine import debian_root

SUITE = "forky"
PACKAGES = "coturn,prometheus,prometheus-alertmanager,prometheus-blackbox-exporter"
PROGRAMS = (
    *("turnserver", "turnutils_uclient", "turnadmin", "prometheus", "promtool"),
    *("prometheus-alertmanager", "amtool", "prometheus-blackbox-exporter"),
)
# By the loader and the libraries of that release, in this machine's file system and network.
_CALL = """#!/bin/sh
exec {root}/usr/lib64/ld-linux-x86-64.so.2 \\
  --library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/bin/{name} "$@"
"""


def newer_parts(folder: Path) -> Path:
    """A folder for PATH with the programs of :data:`SUITE`. Takes a minute for the first time."""
    root, programs = folder / "root", folder / "bin"
    root.mkdir()
    programs.mkdir()
    subprocess.run(["tar", "-C", root, "-xf", debian_root(SUITE, PACKAGES)], check=True)
    for name in PROGRAMS:
        if (root / "usr/bin" / name).exists():
            (programs / name).write_text(_CALL.format(root=root, name=name))
            (programs / name).chmod(0o755)
    return programs


def version_of(program: Path) -> str:
    """The first line that it prints for ``--version``."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]
