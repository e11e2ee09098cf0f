"""``python -m tests.browser.odd.table``: the tables of odd servers in docs/browser.md."""

from collections.abc import Sequence

from tests.browser.odd import compare_signaling, compare_turn
from tests.browser.odd.signaling_rows import ODD_SESSIONS
from tests.browser.odd.test_turn import PAGE
from tests.browser.sides import table_row
from tests.turn.odd.every import ODD_SERVERS


def write(header: Sequence[str], rows: Sequence[str]) -> None:
    """Replace the rows by those of the servers; what they say is what the tests assert."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*header)) + 2
    end = start
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    lines[start:end] = rows
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(compare_turn.HEADER, [compare_turn.row(server) for server in ODD_SERVERS])
    write(compare_signaling.HEADER, [compare_signaling.row(each) for each in ODD_SESSIONS])
