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


def test_what_is_kept_by_and_by_is_settled_each_time_there_is_a_good_part_of_it() -> None:
    found = said(
        """
kept, most = [], 0
for _ in range(50):
    kept.append(keep(SETTLE_OBJECTS))
    most = max(most, len(gc.get_objects()) / gc.get_freeze_count())
print(gc.get_freeze_count() > 30 * SETTLE_OBJECTS, most < 0.4)
"""
    )
    assert found == "True True"


def test_what_replaces_itself_is_not_settled_again() -> None:
    """Results are kept until the next ones come: whatever runs meanwhile would be kept as well."""
    found = said(
        """
settings = keep(10 * SETTLE_OBJECTS)
counts = []
for _ in range(5):
    results = keep(SETTLE_OBJECTS)
    counts.append(gc.get_freeze_count())
print(max(counts) - min(counts) < 1000)
"""
    )
    assert found == "True"


def test_a_circle_that_was_settled_is_freed_with_the_next_configuration() -> None:
    found = said(
        """
circle = Circle()
alive, checks = weakref.ref(circle), keep(5 * SETTLE_OBJECTS)
del circle
gc.collect()
settled = alive() is not None
checks = None
checks = keep(5 * SETTLE_OBJECTS)
print(settled, alive() is None, gc.get_freeze_count() // SETTLE_OBJECTS)
"""
    )
    assert found == "True True 5"
