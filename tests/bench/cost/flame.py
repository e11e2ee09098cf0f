"""``make flame``: where the daemon's CPU goes at 500 HTTP checks a second, as a flame graph.

``docs/images/flame.svg`` is what py-spy records of it for ``BENCH_SECONDS``: the threads that hold
the interpreter's lock, so that waiting is left out.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.daemon import deployed
from tests.bench.target import Target
from tests.daemon.running import daemon

CHECKS, INTERVAL = 1000, 2.0
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
SAMPLES_A_SECOND = 200
PICTURE = Path(__file__).parents[3] / "docs" / "images" / "flame.svg"


async def main() -> None:
    """Write the picture."""
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if spy is None:
        raise SystemExit("py-spy is not installed: pip install py-spy")
    async with Target() as target:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "probe.toml").write_text(
                "\n".join(
                    f'[[http]]\nname = "t{number}"\nurl = "{target.url(f"t{number}")}"\n'
                    f"interval = {INTERVAL:g}"
                    for number in range(CHECKS)
                ),
                encoding="utf-8",
            )
            data = {"PROBE_DATA": str(Path(folder) / "data")}
            async with daemon(Path(folder), {**deployed(), **data}) as running:
                await running.ready()
                target.reset()
                recording = await asyncio.create_subprocess_exec(
                    *(spy, "record", "--gil", "--rate", str(SAMPLES_A_SECOND)),
                    *("--duration", str(SECONDS), "--output", str(PICTURE)),
                    *("--pid", str(running.process.pid)),
                    stdout=asyncio.subprocess.DEVNULL,
                )
                if await recording.wait():
                    raise SystemExit("py-spy could not record; it may need CAP_SYS_PTRACE")
                checks = sum(len(times) for times in target.arrivals.values())
    text = PICTURE.read_text(encoding="utf-8")
    for path in (Path(__file__).parents[3], Path(sys.prefix), Path(sys.base_prefix)):
        text = text.replace(f"{path}/", "")
    PICTURE.write_text(text, encoding="utf-8")
    print(f"{checks / SECONDS:.0f} checks a second while it was recorded: {PICTURE.name}")


if __name__ == "__main__":
    asyncio.run(main())
