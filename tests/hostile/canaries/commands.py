"""``python -m tests.hostile.canaries.commands``: command lines of ``probe``, one after the other.

Reads them as a list of lists of words in JSON, and writes what each printed. One process: to start
one for each takes longer than all of the rest.
"""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from probe.cli import main


def run(words: list[str]) -> str:
    """What one command line prints, on both streams."""
    shown = io.StringIO()
    sys.argv = ["probe", *words]
    with redirect_stdout(shown), redirect_stderr(shown):
        try:
            main()
        except SystemExit as end:
            print(f"ended with {end.code}")
    return shown.getvalue()


if __name__ == "__main__":
    lines: list[list[str]] = json.load(sys.stdin)
    print(json.dumps({" ".join(words): run(words) for words in lines}))
