"""What scripts, dashboards and other versions rely on, held against a committed snapshot."""

from pathlib import Path

SNAPSHOT = Path(__file__).parent / "surface.json"
