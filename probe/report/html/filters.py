"""Which checks the status page lists: a filter by text, state and kind, and a page of them.

It comes from the address, so that it works without a script and can be shared.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from probe.core.model import Verdict
from probe.report.status import StatusRow
from probe.report.text.phrases import without_objectives
from probe.report.text.sanitize import truncate

# Of each page; a page stays small however many checks there are.
CHECKS_ON_A_PAGE = 80
_LONGEST = 100
WAITING, FAILING = "waiting", "failing"
STATES = (FAILING, "critical", "warning", "unknown", "ok", WAITING)


class CheckFilter(Struct, frozen=True):
    """Each empty part matches everything; ``page`` counts from 1."""

    text: str = ""
    state: str = ""
    kind: str = ""
    page: int = 1

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> "CheckFilter":
        """The filter that the query string asks for; invalid values are left out."""
        state, page = query.get("state", ""), query.get("page", "1")
        return cls(
            text=truncate(query.get("q", ""), _LONGEST).strip(),
            state=state if state in STATES else "",
            kind=truncate(query.get("kind", ""), _LONGEST),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1,
        )

    @property
    def is_active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text or self.state or self.kind)

    def matches(self, row: StatusRow) -> bool:
        """All words of the text are in the name, kind, target or labels."""
        if self.kind and row.kind != self.kind:
            return False
        if self.state and self.state not in states_of(row):
            return False
        if not self.text:
            return True
        known = " ".join((row.name, row.kind, row.target, *row.labels.values())).casefold()
        return all(word in known for word in self.text.casefold().split())

    def page_of(self, rows: Sequence[StatusRow]) -> tuple[Sequence[StatusRow], int, int]:
        """The rows of this page, its number (the last one at most), and how many pages there
        are."""
        pages = max(1, -(-len(rows) // CHECKS_ON_A_PAGE))
        page = min(max(self.page, 1), pages)
        start = (page - 1) * CHECKS_ON_A_PAGE
        return rows[start : start + CHECKS_ON_A_PAGE], page, pages


def states_of(row: StatusRow) -> tuple[str, ...]:
    """The states that a check is found by."""
    if row.verdict is None:
        return (WAITING,)
    verdict = without_objectives(row.verdict)
    is_failing = verdict in (Verdict.WARNING, Verdict.CRITICAL)
    return (verdict.value, FAILING) if is_failing else (verdict.value,)
