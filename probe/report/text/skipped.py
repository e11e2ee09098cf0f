"""What was not checked, once for each reason."""

from collections.abc import Iterable


def by_reason(skipped: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Kinds, and the reason that they have in common, of pairs of one kind and its reason."""
    found: dict[str, list[str]] = {}
    for kind, reason in skipped:
        kinds = found.setdefault(reason, [])
        if kind not in kinds:
            kinds.append(kind)
    return [(", ".join(kinds), reason) for reason, kinds in found.items()]
