"""What was not checked, once for each reason."""

import re
from collections.abc import Iterable

# ``BACKEND_URL is not set (Socket.IO)``: what the variable is for, which is the kind's.
_UNSET = re.compile(r"([A-Z][A-Z0-9_]* is not set) \((.*)\)")


def by_reason(skipped: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Kinds, and the reason that they have in common, of pairs of one kind and its reason: one
    line for each variable that is not set."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind, reason in skipped:
        unset = _UNSET.fullmatch(reason)
        common, purpose = (unset[1], unset[2]) if unset else (reason, "")
        kinds = found.setdefault(common, {}).setdefault(purpose, [])
        if kind not in kinds:
            kinds.append(kind)
    return [(_listed(purposes), reason) for reason, purposes in found.items()]


def _listed(purposes: dict[str, list[str]]) -> str:
    return ", ".join(
        f"{', '.join(kinds)} ({purpose})" if purpose else ", ".join(kinds)
        for purpose, kinds in purposes.items()
    )
