"""``make faults``: every case against a real daemon, as a table of what it did.

``python -m tests.faults [EVERY [WORKERS]]``: each EVERYth case, WORKERS at the same time.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.faults.cases import Case, all_cases
from tests.faults.incident import STRACE, Outcome, play


async def run(cases: list[Case], workers: int) -> dict[Case, Outcome]:
    """What became of each case; lines as they come."""
    found: dict[Case, Outcome] = {}
    free = asyncio.Semaphore(workers)

    async def one(case: Case) -> None:
        async with free:
            with tempfile.TemporaryDirectory() as folder:
                found[case] = await play(case, Path(folder))
        if not found[case].is_clean:
            print(f"{case}: {found[case]}", flush=True)

    await asyncio.gather(*[one(case) for case in cases])
    return found


def table(found: dict[Case, Outcome]) -> str:
    """Cases and clean ones by call and failure."""
    rows: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for case, outcome in sorted(found.items(), key=lambda each: str(each[0])):
        rows[case.call, case.failure].append(outcome)
    lines = ["| system call | fails with | cases | clean |", "|---|---|---|---|"]
    for (call, failure), outcomes in rows.items():
        clean = sum(each.is_clean for each in outcomes)
        lines.append(f"| `{call}` | {failure} | {len(outcomes)} | {clean} |")
    clean = sum(each.is_clean for each in found.values())
    lines.append(f"| all | | {len(found)} | {clean} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 if a case wasn't clean."""
    if STRACE is None:
        print("strace is not installed", file=sys.stderr)
        return 2
    every, workers = (int(each) for each in (*sys.argv[1:], "1", "2")[:2])
    found = asyncio.run(run(all_cases()[::every], workers))
    print(table(found))
    return 0 if all(each.is_clean for each in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
