"""The table, of those servers whose names have the given words."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.hostile.child import ROOT, ChildError, output_of
from tests.bench.hostile.rows import Figures, heading, middle, row, within_goal
from tests.bench.hostile.servers import Server, running, serve, servers
from tests.servers.certificate import make_certificate

KEPT = ROOT / "build" / "bench-hostile.jsonl"
AGAIN = 2


@dataclass
class Kept:
    """The figures so far of one version of ``probe``, in a file of lines of JSON."""

    checkout: Path
    tree: str

    @classmethod
    def of(cls, checkout: Path) -> "Kept":
        """Those of a checkout; what isn't committed is kept for this run alone."""
        words = ["git", "-C", str(checkout)]
        tree = subprocess.check_output([*words, "rev-parse", "HEAD:probe"], text=True).strip()
        changed = subprocess.check_output([*words, "status", "--porcelain", "probe"], text=True)
        return cls(checkout, f"{tree}+{os.getpid()}" if changed else tree)

    def read(self) -> dict[str, list[Figures]]:
        """All measurements by server."""
        found: dict[str, list[Figures]] = {}
        lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
        for line in lines:
            entry = json.loads(line)
            if entry["tree"] == self.tree:
                found.setdefault(entry["name"], []).append(entry["figures"])
        return found

    def add(self, name: str, figures: Figures) -> None:
        """One measurement more."""
        KEPT.parent.mkdir(exist_ok=True)
        with KEPT.open("a", encoding="utf-8") as file:
            entry = {"tree": self.tree, "name": name, "figures": figures, "load": os.getloadavg()}
            file.write(json.dumps(entry) + "\n")


async def measured(
    name: str, server: Server, healthy: int, folder: Path, checkout: Path
) -> Figures:
    """One server, measured by a process of its own."""
    module = "tests.bench.hostile.measure"
    try:
        output = await output_of(module, name, server, folder, checkout, [str(healthy)])
    except ChildError as error:
        return {"ended": str(error)}
    figures: Figures = json.loads(output)
    return figures


async def measure_all(names: Sequence[str], kept: Kept, times: int) -> None:
    """Measure what wasn't yet, and again what misses the goal, ``times`` times in all."""
    table = servers()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_certificate(folder)
        async with running("", folder) as healthy:
            for each in names:
                found = kept.read().get(each, [])
                while not found or (len(found) < times and not within_goal(found[0])):
                    one = await measured(each, table[each], healthy, folder, kept.checkout)
                    kept.add(each, one)
                    found.append(one)
                print(f"{each}: {row(each, middle(found))[0]}", file=sys.stderr, flush=True)


async def main(words: Sequence[str], before: Path | None) -> None:
    """Measure and print the table."""
    chosen = [name for name in servers() if all(word in name for word in words)]
    now = Kept.of(ROOT)
    await measure_all(chosen, now, 1 + AGAIN)
    earlier: dict[str, list[Figures]] = {}
    if before is not None:
        old = Kept.of(before)
        await measure_all(chosen, old, 1)
        earlier = old.read()
    print(heading(with_before=bool(earlier)))
    reached, figures = 0, now.read()
    for name in chosen:
        text, good = row(name, middle(figures[name]), earlier.get(name, [None])[0])
        reached += good
        print(text, flush=True)
    goal = "p95 at most twice as long and 5 ms, no turn of over 100 ms of CPU, none failed"
    print(f"\n{reached} of {len(chosen)} within the goal: {goal}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name, folder]:
            asyncio.run(serve(name, Path(folder)))
        case words:
            before = os.environ.get("BEFORE")
            asyncio.run(main(words, Path(before).resolve() if before else None))
