"""What is stored is by one clock; after that was set, all of it is moved by as much."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.cluster.cluster_groups import EndedGroups
from alerts.config import AlertingConfig
from alerts.model import Delivery, Fingerprint, MessageType, Severity, Silence
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.outbox.codec import dump_message, load_message
from alerts.outbox.outbox import Outbox
from alerts.outbox.stored_times import (
    ClockReading,
    EarlierClocks,
    StoredClock,
    moved_text,
    newest_time,
    reading_of,
)
from alerts.own_alerts import OwnProblem
from alerts.pipeline import Pipeline
from probe.core.model import Status
from tests.alerts.samples import NOON, failing, sample_message
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

HOURS = 5 * 3600.0


def _documents(began: float) -> dict[str, str | None]:
    """Everything that a pipeline has stored: alerts that fire, flap, wait and are over, one of
    the probe itself, a resolve that was refused."""
    routes = (Route("pager", frozenset(Severity), REPEAT_INTERVAL_SECONDS, deduplicates=True),)
    pipeline = Pipeline(AlertingConfig("lax", {}, routes))
    checks = [toy(name, interval=30.0) for name in "abc"]
    pipeline.set_checks(checks, began)
    stored: dict[str, str | None] = {}
    sent: list[Delivery] = []
    for step in range(80):
        now = began + step * 15.0
        bad = {"a": step % 24 < 12, "b": step > 20, "c": step == 79}
        for check in checks:
            status = Status.FAILED if bad[check.name] else Status.OK
            pipeline.handle_result(check, result_of(check.name, status), (), now, backed_up=False)
        pipeline.set_own({"disk": OwnProblem("the disk is full")} if step > 9 else {}, now)
        flush = pipeline.flush(now + 1.0)
        stored |= flush.documents
        for delivery in flush.deliveries:
            sent.append(delivery)
            if delivery.message.occasion is MessageType.RESOLVED:
                pipeline.refused(replace(delivery, attempts=1), now)
            else:
                pipeline.delivered(delivery)
    for number, delivery in enumerate(sent):
        stored[f"message {number}"] = dump_message(delivery.message)
    ended = EndedGroups().documents({("pager", "a"): began})
    return {name: text for name, text in (stored | ended).items() if text is not None}


def test_every_time_that_is_stored_is_moved() -> None:
    before, after = _documents(NOON), _documents(NOON + HOURS)
    kinds = {name.split(":")[0].split(" ")[0] for name in before}
    assert kinds == {"alert", "own", "view", "incidents", "message", "ended"} | {"resolve"}
    for name, text in before.items():
        assert json.loads(moved_text(str(text), HOURS)) == json.loads(str(after[name])), name


def test_labels_and_texts_that_look_like_times_stay() -> None:
    odd = failing(identity=Fingerprint("at", "failing", (("since", "1"),)), summary='{"at": 1.0}')
    message = sample_message(firing=(odd,))
    moved = load_message(moved_text(dump_message(message), HOURS))
    firing = moved.firing[0]
    assert (firing.identity, firing.summary) == (odd.identity, odd.summary)
    assert (moved.at, firing.since) == (message.at + HOURS, odd.since + HOURS)


@pytest.mark.parametrize("text", ["", "{", "null", '"at"', "[[[", '{"at": "soon"}', "17"])
def test_what_is_no_document_stays(text: str) -> None:
    assert moved_text(text, HOURS).replace(" ", "") == text.replace(" ", "")
    assert newest_time([text]) is None
    assert reading_of(text) is None


def _clock(boot: str, wall: Clock, uptime: Clock) -> StoredClock:
    return StoredClock(wall, uptime, boot)


@pytest.mark.parametrize("set_by", [-HOURS, HOURS])
def test_on_the_same_boot_a_step_is_known_exactly(set_by: float) -> None:
    wall, uptime = Clock(NOON), Clock(1000.0)
    stored = _clock("one", wall, uptime)()
    wall.pass_(600.0 + set_by)
    uptime.pass_(600.0)
    now = _clock("one", wall, uptime)()
    assert EarlierClocks([stored], now).step(stored, None) == pytest.approx(set_by)


def test_over_a_reboot_only_time_that_went_back_is_a_step() -> None:
    stored = ClockReading(NOON, boot="one")
    later, earlier = ClockReading(NOON + HOURS, boot="two"), ClockReading(NOON - HOURS, boot="two")
    assert EarlierClocks([stored], later).step(stored, None) == 0.0
    assert EarlierClocks([stored], earlier).step(stored, None) == -HOURS


def test_a_step_that_the_process_saw_counts_for_all_that_it_stored() -> None:
    wall, uptime = Clock(NOON), Clock(1000.0)
    clock = _clock("one", wall, uptime)
    first = clock()
    wall.pass_(HOURS + 60.0)
    uptime.pass_(60.0)
    last = clock()
    now = ClockReading(wall() + 600.0, booted=wall(), boot="two")
    assert EarlierClocks([last, first], now).step(first, None) == pytest.approx(HOURS)


def test_without_a_stored_clock_only_the_future_is_moved() -> None:
    now = ClockReading(NOON)
    assert EarlierClocks([], now).step(None, NOON + HOURS) == -HOURS
    assert EarlierClocks([], now).step(None, NOON - HOURS) == 0.0
    assert EarlierClocks([], now).step(None, None) == 0.0


def test_a_clock_that_is_slewed_moves_nothing() -> None:
    stored = ClockReading(NOON, booted=100.0, boot="one")
    now = ClockReading(NOON, booted=101.5, boot="one")
    assert EarlierClocks([stored], now).step(stored, None) == 0.0


async def test_messages_are_moved_and_silences_stay(tmp_path: Path) -> None:
    wall = Clock(NOON)
    outbox = await Outbox.open(tmp_path, now=wall)
    await outbox.commit({}, [Delivery("pager", sample_message(), due=NOON + 60.0)])
    silence = Silence("one", ("a",), "me", "work", NOON, NOON + 9 * HOURS)
    await outbox.add_silence(silence)
    await outbox.close()
    wall.pass_(-HOURS)
    outbox = await Outbox.open(tmp_path, now=wall)
    (waiting,) = await outbox.waiting()
    assert (waiting.message.at, waiting.due) == (sample_message().at - HOURS, NOON + 60.0 - HOURS)
    assert await outbox.silences(wall()) == [silence]
    await outbox.close()
