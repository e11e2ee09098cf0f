"""A process that writes history until it is killed: ``FOLDER FIRST_NUMBER BOUND_BYTES``.

Adds numbered entries as fast as a thousand checks would, and prints each number with the
monotonic time at which it was added, and how many entries are said to be on the disk.
"""

import asyncio
import sys
import time
from pathlib import Path

from probe.core.model import Status, Verdict
from probe.history import History, Retention
from probe.history.model import ResultRow

_AT_ONCE = 5
_PAUSE_SECONDS = 0.002


async def write(folder: Path, number: int, size: int) -> None:
    """Never ends."""
    history = await History.open(folder, bounds=Retention(bytes=size), flush_seconds=0.5)
    while True:
        for _ in range(_AT_ONCE):
            at = time.time()
            history.add(ResultRow("toy", at, 0.1, Status.OK, Verdict.OK, value=float(number)))
            print(number, time.monotonic(), history.state.written)
            number += 1
        sys.stdout.flush()
        await asyncio.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
