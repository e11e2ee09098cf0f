"""When this probe resolved groups, kept over restarts: whoever still holds one is told so."""

import json
from collections.abc import Mapping

from alerts.notification.notification_log import Key

_PREFIX = "ended:"


class EndedGroups:
    """Turns the times of resolves into documents, and back."""

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def restore(self, documents: Mapping[str, str]) -> dict[Key, float]:
        """What was kept; passes over what can't be read."""
        found: dict[Key, float] = {}
        for name, text in documents.items():
            if not name.startswith(_PREFIX):
                continue
            self._kept.add(name)
            try:
                notifier, group = json.loads(name.removeprefix(_PREFIX))
                found[str(notifier), str(group)] = float(text)
            except (TypeError, ValueError):
                continue
        return found

    def documents(self, ended: Mapping[Key, float]) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        present = {_PREFIX + json.dumps(key): json.dumps(at) for key, at in ended.items()}
        changed: dict[str, str | None] = {
            name: text for name, text in present.items() if name not in self._kept
        }
        changed |= dict.fromkeys(self._kept - present.keys())
        self._kept = set(present)
        return changed
