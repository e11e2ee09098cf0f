"""A message leaves when it is known to be true: after a start, after a pause, at any time."""

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from alerts.model import Delivery, Message, MessageType
from alerts.state.send_gate import GATE_SECONDS, PAUSE_SECONDS, SendGate
from tests.alerts.samples import failing, sample_message
from tests.clocks import Clock

ALERT = failing()
CHECK = ALERT.identity.check
FIRING = sample_message(firing=(ALERT,))
RESOLVED = replace(FIRING, occasion=MessageType.RESOLVED, firing=(), resolved=(ALERT,))


@dataclass
class Life:
    """A process that has just started."""

    clock: Clock = field(default_factory=lambda: Clock(1000.0))
    # By how much the wall clock is ahead of it.
    ahead: float = 0.0
    bad: bool = True
    asked: bool = False
    ran: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=lambda: {CHECK})
    suppressed: set[str] = field(default_factory=set)
    forgetful: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate = SendGate(
            self.clock,
            knows=self.known.__contains__,
            is_seen_bad=lambda check: self.bad,
            others_answered=lambda: self.asked,
            run_soon=self.ran.append,
            wall=lambda: self.clock() + self.ahead,
            suppression=lambda: lambda alert: alert.identity.check in self.suppressed,
            forgets=self.forgetful.__contains__,
        )

    def leaves(self, message: Message) -> bool:
        """Whether it may leave now."""
        return self.gate.hold(Delivery("chat", message)) == 0.0

    def pass_(self, seconds: float, *, alive: bool = True) -> bool:
        """Time passes; whether the process took part."""
        self.clock.pass_(seconds)
        return self.gate.alive() is None if alive else False


@pytest.mark.parametrize("message", [FIRING, RESOLVED])
def test_nothing_leaves_before_a_result_of_this_life_and_one_ask(message: Message) -> None:
    life = Life()
    assert not life.leaves(message)
    assert life.ran == [CHECK]
    life.gate.add_result(CHECK, life.clock())
    assert not life.leaves(message)
    life.asked = True
    assert life.leaves(message)
    # It is run at once, and once.
    assert life.ran == [CHECK]


def test_what_is_still_true_after_ten_seconds_leaves_without_either() -> None:
    life = Life()
    life.pass_(GATE_SECONDS - 0.1)
    assert not life.leaves(FIRING)
    life.pass_(0.1)
    assert life.leaves(FIRING)


def test_a_trigger_that_the_newest_result_contradicts_is_kept_for_its_end() -> None:
    life = Life(bad=False, asked=True)
    life.gate.add_result(CHECK, life.clock())
    assert not life.leaves(FIRING)
    assert life.leaves(RESOLVED)
    life.bad = True
    assert life.leaves(FIRING)


def test_after_a_pause_a_new_life_begins() -> None:
    life = Life(asked=True)
    life.gate.add_result(CHECK, life.clock())
    assert life.leaves(FIRING)
    # The sender may wake before anything else does.
    life.pass_(PAUSE_SECONDS + 1, alive=False)
    assert not life.leaves(FIRING)
    assert life.gate.alive() == 0.0
    assert not life.leaves(FIRING)
    life.gate.add_result(CHECK, life.clock())
    assert life.leaves(FIRING)


def test_a_process_that_works_begins_no_new_life() -> None:
    life = Life(asked=True)
    life.gate.add_result(CHECK, life.clock())
    assert all(life.pass_(PAUSE_SECONDS / 2) for _ in range(5))
    assert life.leaves(FIRING)


def test_notes_tests_and_what_is_no_check_any_more_leave_at_once() -> None:
    life = Life()
    assert life.leaves(replace(FIRING, occasion=MessageType.NOTE))
    assert life.leaves(replace(FIRING, test=True))
    life.known.clear()
    life.asked, life.bad = True, False
    assert life.leaves(FIRING)


def test_a_slow_start_takes_nothing_from_the_time_for_a_first_result() -> None:
    life = Life()
    life.pass_(10 * GATE_SECONDS, alive=False)
    life.gate.begin()
    assert not life.leaves(FIRING)
    life.pass_(GATE_SECONDS - 0.1)
    assert not life.leaves(FIRING)


@pytest.mark.parametrize("message", [FIRING, RESOLVED])
def test_a_pause_that_only_the_wall_clock_shows_is_one(message: Message) -> None:
    """As of a virtual machine that is stored and goes on later."""
    life = Life(asked=True)
    life.gate.add_result(CHECK, life.clock())
    life.pass_(1.0)
    life.ahead = 3600.0
    assert not life.leaves(message)
    assert life.gate.alive() == 3600.0
    assert not life.leaves(message)
    assert life.ran == [CHECK]
    life.pass_(1.0)
    life.gate.add_result(CHECK, life.clock())
    assert life.leaves(message)


@pytest.mark.parametrize("step", [-3600.0, PAUSE_SECONDS / 2])
def test_a_clock_that_is_set_back_or_a_little_is_no_pause(step: float) -> None:
    life = Life(asked=True)
    life.gate.add_result(CHECK, life.clock())
    life.ahead = step
    assert life.leaves(FIRING)
    assert life.gate.alive() is None


def test_what_is_suppressed_by_now_waits_for_the_end_of_that() -> None:
    other = failing("other")
    life = Life(asked=True)
    life.gate.add_result(CHECK, life.clock())
    life.gate.add_result("other", life.clock())
    life.suppressed = {CHECK}
    assert not life.leaves(FIRING)
    assert not life.leaves(replace(FIRING, occasion=MessageType.REMINDER))
    assert life.leaves(RESOLVED)
    assert life.leaves(replace(FIRING, firing=(ALERT, other)))
    life.suppressed |= {"other"}
    assert not life.leaves(replace(FIRING, firing=(ALERT, other)))
    life.suppressed.clear()
    assert life.leaves(FIRING)


@pytest.mark.parametrize("occasion", [MessageType.CHANGED, MessageType.REMINDER])
def test_a_receiver_that_forgets_is_repeated_to_until_the_alert_is_resolved(
    occasion: MessageType,
) -> None:
    """What flaps, or is within its limit for a moment, fires on although it looks good."""
    life = Life(bad=False, asked=True)
    life.gate.add_result(CHECK, life.clock())
    message = replace(FIRING, occasion=occasion)
    assert not life.leaves(message)
    life.forgetful.add("chat")
    assert life.leaves(message)
    assert not life.leaves(FIRING)
    life.suppressed = {CHECK}
    assert life.leaves(message)
    # After a pause it is not known what fires.
    life.pass_(PAUSE_SECONDS + 1, alive=False)
    assert not life.leaves(message)
