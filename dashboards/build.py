"""``make dashboards``: everything that is made from signals and thresholds, into this folder.

Needs grafana-foundation-sdk, a development dependency; what it makes is committed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alerts.prometheus.alertmanager_config import alertmanager_file
from alerts.prometheus.rules import rules_file
from dashboards.dashboards import boards
from dashboards.grafana import as_json
from probe.core.kind import Kind
from probe.kinds import KINDS

FOLDER = Path(__file__).parent


def generated_files(kinds: Iterable[Kind[Any, Any]]) -> dict[str, str]:
    """Every file by its name."""
    kinds = tuple(kinds)
    files = {f"{board.uid}.json": as_json(board) for board in boards(kinds)}
    return {
        **files,
        "rules.yml": rules_file(kinds),
        "alertmanager.yml": alertmanager_file(kinds),
    }


def main() -> None:
    """Write them all; what is no longer made disappears."""
    files = generated_files(KINDS)
    for old in (*FOLDER.glob("*.json"), *FOLDER.glob("*.yml")):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
