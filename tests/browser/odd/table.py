"""``python -m tests.browser.odd.table``: the table of odd TURN servers in docs/browser.md."""

from tests.browser.odd.compare_turn import HEADER, row
from tests.browser.odd.test_turn import PAGE
from tests.browser.sides import table_row
from tests.turn.odd.every import ODD_SERVERS


def write() -> None:
    """Replace the rows by those of the servers; what they say is what the test asserts."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*HEADER)) + 2
    end = start
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    lines[start:end] = [row(server) for server in ODD_SERVERS]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
