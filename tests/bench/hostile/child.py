"""A measurement near one hostile server, by a process of its own and any checkout's ``probe``."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.hostile.servers import Server, running

ROOT = Path(__file__).parents[3]
LIMIT = 60.0
"""Seconds; an old version may never end."""
# Of the earlier checkout nothing but its ``probe`` is taken.
_CHILD = """
import sys, runpy, tests.hostile
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


class ChildError(Exception):
    """Why there is no measurement, in a few words."""


async def output_of(
    module: str, name: str, server: Server, folder: Path, checkout: Path, more: Sequence[str] = ()
) -> bytes:
    """What ``python -m module SORT PORT CA_FILE MORE…`` prints next to the server of that name.

    ``folder`` has the certificates, ``checkout`` the ``probe`` and perhaps a ``.venv``. Raises
    ChildError where the process fails, prints nothing, or takes more than ``LIMIT``.
    """
    own = checkout / ".venv/bin/python"
    python = str(own) if checkout != ROOT and own.exists() else sys.executable
    ca_file = str(folder / "ca.pem") if server.layer != "plain" else ""
    async with running(name, folder) as port:
        process = await asyncio.create_subprocess_exec(
            *(python, "-c", _CHILD, str(checkout), module, server.sort, str(port), ca_file, *more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            async with asyncio.timeout(LIMIT):
                output, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ChildError(f"stands for more than {LIMIT:g} s") from None
    if process.returncode or not output:
        last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ChildError(f"the process ends: {last[:80]}")
    return output
