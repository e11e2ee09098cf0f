"""The journey's users are the same two as soon as the application may match them again."""

from probe.core.context import Context
from probe.kinds.journey.identities import APART_SECONDS, device_ids
from tests.clocks import Clock

URL = "https://paircam.example"


def test_within_an_hour_of_any_match_that_may_have_been_the_devices_are_new() -> None:
    clock = Clock(1000.0)
    ids = device_ids(Context(clock=clock), URL, "lax")
    seen = set(ids.pair())
    for _ in range(3):
        clock.pass_(200.0)
        seen |= set(ids.pair())
    assert len(seen) == 8


def test_after_an_hour_they_are_the_same_in_every_process() -> None:
    pairs = []
    for _ in range(2):
        clock = Clock(1000.0)
        ids = device_ids(Context(clock=clock), URL, "lax")
        ids.pair()
        clock.pass_(APART_SECONDS)
        pairs.append(ids.pair())
    assert pairs[0] == pairs[1]
    assert len(set(pairs[0])) == 2


def test_a_retry_within_an_hour_of_the_fixed_pair_is_two_new_devices() -> None:
    clock = Clock(1000.0)
    ids = device_ids(Context(clock=clock), URL, "lax")
    clock.pass_(APART_SECONDS)
    fixed = ids.pair()
    clock.pass_(200.0)
    assert not set(fixed) & set(ids.pair())
    clock.pass_(APART_SECONDS)
    assert ids.pair() == fixed


def test_probes_of_two_regions_and_of_two_backends_are_different_users() -> None:
    seen: set[str] = set()
    for url, region in ((URL, "lax"), (URL, "fra"), ("https://staging.example", "lax")):
        clock = Clock(1000.0)
        ids = device_ids(Context(clock=clock), url, region)
        clock.pass_(APART_SECONDS)
        seen |= set(ids.pair())
    assert len(seen) == 6
