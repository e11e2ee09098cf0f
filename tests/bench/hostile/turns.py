"""``python -m tests.bench.hostile.turns [WORDS]``: the event loop's turns next to a hostile server.

Counted work, in CPU seconds of the loop's own thread, which other programs of a busy machine
don't lengthen: the turns of one check, the longest of them, those above 2 ms, and the CPU of all.
Each server is asked ``RUNS`` times after one run that warms up (imports, a TLS context), and the
middle one of each figure is printed. Nothing else runs on the loop.

``BEFORE=folder`` counts an earlier checkout (with its own ``.venv``) in the same run.
"""

import asyncio
import json
import os
import selectors
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.hostile.child import ROOT, ChildError, output_of
from tests.bench.hostile.servers import Server, servers
from tests.servers.certificate import make_certificate

RUNS, DEADLINE = 5, 3.0
LONG = 0.002
_COLUMNS = ["turns", "longest, ms of CPU", "above 2 ms", "CPU, ms", "seconds", "cause"]


class CountingSelector(selectors.DefaultSelector):
    """CPU seconds of this thread between two waits of the loop: its turns."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[float] = []
        self._began = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """End a turn, wait, and begin another."""
        self.turns.append(time.thread_time() - self._began)
        try:
            return super().select(timeout)
        finally:
            self._began = time.thread_time()


async def count(sort: str, port: int, ca_file: Path | None, selector: CountingSelector) -> object:
    """The figures of one server."""
    from probe.core.context import Context
    from probe.core.runner import run_check
    from tests.hostile.checks import check_of

    check, context = check_of("hostile", sort, port, DEADLINE, ca_file), Context()
    await run_check(check, context)
    found: list[tuple[list[float], float]] = []
    causes = set[str]()
    for _ in range(RUNS):
        await context.closing.drain(timeout=5)
        await asyncio.sleep(0.2)
        selector.turns.clear()
        began = time.monotonic()
        result = await run_check(check, context)
        await asyncio.sleep(0)
        found.append((list(selector.turns), time.monotonic() - began))
        causes.add(result.failure.cause.value if result.failure else "ok")
    return {
        "turns": statistics.median(len(turns) for turns, _ in found),
        "longest": statistics.median(max(turns) for turns, _ in found),
        "long": statistics.median(sum(each > LONG for each in turns) for turns, _ in found),
        "cpu": statistics.median(sum(turns) for turns, _ in found),
        "seconds": statistics.median(seconds for _, seconds in found),
        "cause": ", ".join(sorted(causes)),
    }


async def counted(name: str, server: Server, folder: Path, checkout: Path) -> list[str]:
    """The cells of one server, by a process of its own."""
    module = "tests.bench.hostile.turns"
    try:
        found = json.loads(await output_of(module, name, server, folder, checkout, ["count"]))
    except ChildError as error:
        return [str(error), *[""] * (len(_COLUMNS) - 1)]
    return [
        f"{found['turns']:.0f}",
        f"{1000 * found['longest']:.1f}",
        f"{found['long']:.0f}",
        f"{1000 * found['cpu']:.1f}",
        f"{found['seconds']:.2f}",
        found["cause"],
    ]


async def main(words: Sequence[str], before: Path | None) -> None:
    """Print the table of those servers whose names have one of the words."""
    columns = ["target", *_COLUMNS, *(f"before: {each}" for each in _COLUMNS if before)]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_certificate(folder)
        for each, server in servers().items():
            if words and not any(word in each for word in words):
                continue
            cells = [each, *await counted(each, server, folder, ROOT)]
            if before is not None:
                cells += await counted(each, server, folder, before)
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [kind, number, authority, "count"]:
            chosen = CountingSelector()
            with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(chosen)) as runner:
                trusted = Path(authority) if authority else None
                print(json.dumps(runner.run(count(kind, int(number), trusted, chosen))))
        case given:
            earlier = os.environ.get("BEFORE")
            asyncio.run(main(given, Path(earlier).resolve() if earlier else None))
