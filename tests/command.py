"""Runs the command line as a user does: a process of its own, an environment of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tests.forking.network import file_of
from tests.forking.process import ForkedProcess

# What a process needs to run at all; everything else would be somebody's configuration.
_KEPT = ("PATH", "HOME", "LANG", "SYSTEMROOT")

# What the interpreter, the C library and Prometheus' client read before any of our code runs.
_READ_EARLY = ("LANG", "LC_", "LD_", "MALLOC_", "PROMETHEUS_", "PYTHON")


class Done(Struct, frozen=True):
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A clean environment with the given variables, and a folder of secrets that holds none."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PROBE_SECRETS_DIR": "/usr", **(extra or {})}


Process = asyncio.subprocess.Process | ForkedProcess


async def start(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    fork: bool = True,
) -> Process:
    """Start ``probe`` with arguments in a folder; ``prefix`` is the command that starts it.

    It is forked from a process that has imported it already, where nothing speaks against it.
    """
    network = file_of(prefix)
    is_plain = not any(name.startswith(_READ_EARLY) for name in env or ())
    if fork and is_plain and (network or not prefix):
        return await ForkedProcess.start(arguments, cwd, environment(env), network)
    return await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "probe",
        *arguments,
        cwd=cwd,
        env=environment(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def probe(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    fork: bool = True,
) -> Done:
    """Run ``probe`` to its end."""
    process = await start(*arguments, cwd=cwd, env=env, prefix=prefix, fork=fork)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())
