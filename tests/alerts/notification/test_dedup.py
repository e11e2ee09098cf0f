"""Collapsing: superseded messages are not sent, what may have been received is resolved."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.model import Delivery, Message, MessageType
from alerts.notification.dedup import MAX_RESOLVED, collapse
from tests.alerts.services import open_at_the_end
from tests.alerts.words import (
    CHANGED,
    FIRING,
    NOTE,
    REMINDER,
    RESOLVED,
    a_delivery,
    a_message,
    an_alert,
)

LETTERS = {"F": FIRING, "C": CHANGED, "M": REMINDER, "R": RESOLVED, "N": NOTE}


def queue(story: str) -> list[Delivery]:
    """Deliveries of one key: ``F`` firing, ``F*`` attempted, ``C``, ``M``, ``R``, ``N``;
    the first is made at 1 s, the second at 2 s and so on."""
    return [
        a_delivery(LETTERS[word[0]], at=at, number=at, attempts=word.count("*"))
        for at, word in enumerate(story.split(), start=1)
    ]


def collapsed(story: str, *, sends_missed_incidents: bool) -> str:
    """What is left, in the same letters, each with its since-at and its place."""
    steps = collapse(queue(story), sends_missed_incidents)
    assert [d for step in steps for d in step.old] == queue(story)
    left = [step.new for step in steps if step.new is not None]
    return " ".join(_shown(delivery) for delivery in left)


def _shown(delivery: Delivery) -> str:
    (letter,) = (key for key, word in LETTERS.items() if word is delivery.message.occasion)
    stars = "*" * delivery.attempts
    message = delivery.message
    return f"{letter}{stars}{message.since:g}-{message.at:g}@{delivery.number}"


@pytest.mark.parametrize(
    ("story", "people", "pager"),
    [
        ("", "", ""),
        ("F", "F1-1@1", "F1-1@1"),
        ("F C", "F1-2@1", "F1-2@1"),
        ("F C M C", "F1-4@1", "F1-4@1"),
        ("F* C", "F*1-2@1", "F*1-2@1"),
        ("F F", "F1-2@1", "F1-2@1"),
        ("C C", "C1-2@1", "C1-2@1"),
        ("C M", "C1-2@1", "C1-2@1"),
        ("M M M", "M1-3@1", "M1-3@1"),
        ("M C", "C1-2@1", "C1-2@1"),
        ("F R", "R1-2@1", ""),
        ("F C M R", "R1-4@1", ""),
        ("F* R", "R*1-2@1", "R*1-2@1"),
        ("F* C R", "R*1-3@1", "R*1-3@1"),
        ("C R", "R1-2@1", "R1-2@1"),
        ("M* R", "R*1-2@1", "R*1-2@1"),
        ("R", "R1-1@1", "R1-1@1"),
        ("R F", "R1-1@1 F2-2@2", "R1-1@1 F2-2@2"),
        ("R* F", "R*1-1@1 F2-2@2", "R*1-1@1 F2-2@2"),
        ("F R F", "F3-3@1", "F3-3@3"),
        ("F* R F", "R*1-2@1 F3-3@3", "R*1-2@1 F3-3@3"),
        ("F R F R", "R1-4@1", ""),
        ("F R F R F C", "F5-6@1", "F5-6@5"),
        ("R F R", "R1-3@1", "R1-1@1"),
        ("R F R F", "R1-3@1 F4-4@4", "R1-1@1 F4-4@4"),
        ("N N", "N1-1@1 N2-2@2", "N1-1@1 N2-2@2"),
        ("F N R", "F1-1@1 N2-2@2 R3-3@3", "F1-1@1 N2-2@2 R3-3@3"),
    ],
)
def test_what_is_left_to_send(story: str, people: str, pager: str) -> None:
    assert collapsed(story, sends_missed_incidents=True) == people
    assert collapsed(story, sends_missed_incidents=False) == pager


def test_the_newest_content_is_reported() -> None:
    first, second = queue("F C")
    (step,) = collapse([first, second], False)
    assert step.new == replace(
        first, message=replace(second.message, occasion=FIRING, since=first.message.since)
    )


def test_the_wait_of_the_first_attempt_is_kept() -> None:
    first, second = queue("F* C")
    failed = replace(first, due=77.0, error="503")
    (step,) = collapse([failed, second], False)
    assert step.new is not None
    assert (step.new.due, step.new.error) == (77.0, "503")


def test_a_test_arrives_although_it_is_resolved_at_once() -> None:
    tests = [replace(each, message=replace(each.message, test=True)) for each in queue("F R")]
    assert [step.untouched for step in collapse(tests, False)] == [True, True]


def test_failures_that_are_over_are_all_named_within_bounds() -> None:
    deliveries = [
        Delivery("slack", a_message(RESOLVED, resolved=(an_alert(since=at),)), number=at)
        for at in range(1, MAX_RESOLVED + 5)
    ]
    (step,) = collapse(deliveries, True)
    assert step.new is not None
    ends = [alert.since for alert in step.new.message.resolved]
    assert ends == list(range(5, MAX_RESOLVED + 5))


@given(st.lists(st.sampled_from(["F", "F*", "C", "C*", "M", "R", "R*", "N"])), st.booleans())
def test_every_delivery_is_accounted_for_and_the_end_kept(story: list[str], past: bool) -> None:
    """Whatever the queue, even one that nobody would make."""
    deliveries = queue(" ".join(story))
    steps = collapse(deliveries, past)
    assert [each for step in steps for each in step.old] == deliveries
    left = [step.new for step in steps if step.new is not None]
    assert [each.number for each in left] == sorted({each.number for each in left})
    if left and deliveries[-1].message.occasion in (FIRING, CHANGED, REMINDER):
        assert left[-1].message.at == deliveries[-1].message.at


@dataclass
class Line:
    """One key's way from who makes messages to a service with deduplication."""

    sends_missed_incidents: bool
    waiting: list[Delivery] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    attempted: set[str] = field(default_factory=set)

    def make(self, occasion: MessageType, at: int, incident: int) -> None:
        """A new message, its text names the incident."""
        message = a_message(occasion, at=at, text=str(incident))
        self.waiting.append(Delivery("pager", message, number=at))

    def send(self, *, taken: bool, received: bool) -> None:
        """What the dispatcher does at its turn."""
        steps = collapse(self.waiting, self.sends_missed_incidents)
        self.waiting = [step.new for step in steps if step.new is not None]
        if not self.waiting:
            return
        head = self.waiting[0]
        self.waiting[0] = replace(head, attempts=head.attempts + 1)
        if head.message.occasion is not RESOLVED or head.attempts:
            self.attempted.add(head.message.text)
        if received or taken:
            self.received.append(head.message)
        if taken:
            del self.waiting[0]


def stories() -> Iterator[tuple[MessageType, int]]:
    """Incident after incident of one key, as they are made."""
    incident = 0
    while True:
        incident += 1
        for occasion in (FIRING, CHANGED, REMINDER, RESOLVED)[:: 1 + 2 * (incident % 2)]:
            yield occasion, incident


MOVES = st.lists(st.sampled_from(["make", "make", "taken", "lost", "answer lost"]), max_size=60)


@settings(max_examples=500)
@given(MOVES, st.booleans())
def test_a_service_hears_open_and_close_in_turn_and_ends_in_the_newest_state(
    moves: list[str], sends_missed_incidents: bool
) -> None:
    line, story, newest = Line(sends_missed_incidents), stories(), RESOLVED
    for at, move in enumerate(moves, start=1):
        if move == "make":
            newest, incident = next(story)
            line.make(newest, at, incident)
        else:
            line.send(taken=move == "taken", received=move == "answer lost")
    while line.waiting:
        line.send(taken=True, received=True)
    wanted = {"a"} if newest is not RESOLVED else set()
    assert open_at_the_end(line.received).keys() == wanted
    if not sends_missed_incidents:
        ended = {each.text for each in line.received if each.occasion is RESOLVED}
        assert ended <= line.attempted, "an end was told of what nobody could have heard of"
