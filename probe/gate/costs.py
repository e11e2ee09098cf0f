"""What a watch cost: runs, bytes through TURN servers, what it drew from hosting plans."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from probe.budget.plans import consumers_by_plan, format_amount, terms_of
from probe.core.kind import Check
from probe.history.model import ResultRow
from probe.report.gate.model import CostRow

_TURN_BYTES = "probe_turn_bytes_total"


@dataclass
class CostCounter:
    """Counts rows."""

    checks: Sequence[Check]
    runs: Counter[str] = field(default_factory=Counter)
    turn_bytes: Counter[str] = field(default_factory=Counter)

    def add(self, row: ResultRow) -> None:
        """A row of the window."""
        self.runs[row.check] += 1
        for signal, _, value in row.samples:
            if signal == _TURN_BYTES:
                self.turn_bytes[self._provider(row.check)] += int(value)

    def rows(self, process: Mapping[str, str] | None = None) -> list[CostRow]:
        """All costs; ``process`` is what the process itself used."""
        total = sum(self.runs.values())
        found = [CostRow("runs", f"{total:,} of {len(self.runs)} checks")]
        found += [
            CostRow(f"TURN bytes, {provider}", f"{count / 1e6:,.3g} MB")
            for provider, count in sorted(self.turn_bytes.items())
        ]
        for plan, consumers in consumers_by_plan(self.checks).items():
            terms = terms_of(plan)
            counted = [each for each in consumers if self.runs[each.check]]
            if terms is None or not counted:
                continue
            apart = sum(
                self.runs[each.check] * each.amount for each in counted if not each.shared_window
            )
            awake = max(
                (
                    self.runs[each.check] * min(each.amount, each.interval)
                    for each in counted
                    if each.shared_window
                ),
                default=0.0,
            )
            found.append(CostRow(plan, f"about {format_amount(apart + awake, terms.unit)}"))
        found += [CostRow(name, amount) for name, amount in (process or {}).items()]
        return found

    def _provider(self, check: str) -> str:
        for each in self.checks:
            if each.name == check:
                return str(each.table.labels.get("provider", check))
        return check
