"""The console script. It prints a help that ``make generate`` has made before: click, which would
print the same, takes four fifths of a start."""

import os
import sys


def main() -> None:
    """Run the command line. Exit codes are those of ``probe.cli.main``."""
    if sys.argv[1:] in (["--help"], ["-h"]) and _is_asked_as_generated():
        _print_help()
    try:
        from probe.cli import main as run

        run()
    except KeyboardInterrupt:
        # While it was still loading: everything later has an end of its own.
        sys.exit(130)


def _is_asked_as_generated() -> bool:
    """Whether click would use the name of the program and the width that the file has: at most 80
    columns, and 80 where there is no terminal."""
    if os.path.basename(sys.argv[0]) != "probe" or os.environ.get("COLUMNS"):
        return False
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return columns == 0 or columns >= 80


def _print_help() -> None:
    """Print the file and exit; return where it can't be read."""
    try:
        with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    from contextlib import suppress

    from probe.standard_streams import finish_output, open_standard_streams

    open_standard_streams()
    with suppress(OSError):  # the next line says so
        sys.stdout.write(text)
    sys.exit(finish_output(sys.stdout, 0))
