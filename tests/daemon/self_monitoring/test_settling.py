"""What has come to stay is not scanned again, and garbage among it is freed in the end."""

import subprocess
import sys

import pytest

_BEGIN = """
import gc, weakref
from probe.daemon.self_monitoring.garbage_loop import SETTLE_OBJECTS, Settling
class Circle:
    def __init__(self):
        self.me = self
settling = Settling()
gc.collect()
gc.freeze()
def keep(count):
    made = [[] for _ in range(count)]
    gc.collect()
    settling.settle()
    return made
"""


def said(code: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", _BEGIN + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(("share", "is_scanned"), [(0.5, True), (1, False), (3, False)])
def test_many_objects_are_scanned_once(share: float, is_scanned: bool) -> None:
    found = said(f"kept = keep(int({share} * SETTLE_OBJECTS)); print(len(gc.get_objects()))")
    assert (int(found) > 1000) is is_scanned


def test_what_is_kept_by_and_by_is_settled_each_time() -> None:
    found = said("kept = [keep(SETTLE_OBJECTS) for _ in range(5)]; print(len(gc.get_objects()))")
    assert int(found) < 1000


def test_a_circle_that_was_settled_is_freed_once_twice_as_much_is_kept() -> None:
    found = said(
        """
circle = Circle()
alive, first = weakref.ref(circle), keep(SETTLE_OBJECTS)
del circle
gc.collect()
settled = alive() is not None
kept = []
while alive() is not None and len(kept) < 1000:
    kept.append(keep(SETTLE_OBJECTS))
print(settled, alive() is None, gc.get_freeze_count() > len(kept) * SETTLE_OBJECTS)
"""
    )
    assert found == "True True True"


def test_what_has_gone_is_not_counted_again() -> None:
    """A configuration that is read again replaces the checks: the same number is kept."""
    found = said(
        """
counts = []
for _ in range(5):
    kept = None
    kept = keep(2 * SETTLE_OBJECTS)
    counts.append(gc.get_freeze_count())
print(max(counts) - min(counts) < SETTLE_OBJECTS)
"""
    )
    assert found == "True"
