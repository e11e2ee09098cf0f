"""``python -m tests.alerts.cluster.explorer DEPTH [SECONDS]``: how many states and transitions the
search meets, and what it breaks."""

import math
import sys
import time

from tests.alerts.cluster.explorer.search import explore


def main(depth: int, seconds: float) -> int:
    """Print the row of a depth; the exit code is 1 if an order broke a promise."""
    began = time.process_time()
    found = explore(depth, seconds=seconds)
    took = time.process_time() - began
    cut = f", cut off after {took:.0f} s of CPU" if took >= seconds else ""
    print("| depth | states | transitions | broken |\n|---|---|---|---|")
    print(f"| {depth}{cut} | {found.states:,} | {found.transitions:,} | {len(found.broken)} |")
    for problem, path in found.broken[:20]:
        print(f"{problem}: {' > '.join(path)}")
    return 1 if found.broken else 0


if __name__ == "__main__":
    given = [float(each) for each in sys.argv[1:]]
    sys.exit(main(int(given[0]) if given else 2, given[1] if len(given) > 1 else math.inf))
