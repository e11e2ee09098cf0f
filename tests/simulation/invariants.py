"""What must hold in every simulated run, whatever goes wrong."""

from collections.abc import Iterator, Sequence

from alerts.manager import SILENCE_POLL_SECONDS
from alerts.model import MessageType
from tests.simulation.faults import DISK, Fault, Scenario
from tests.simulation.monitor import INTERVAL, RESTART_SECONDS, Run
from tests.simulation.operator_actions import place_of
from tests.simulation.world import Received, Receiver

# An outage that is seen, holds, is confirmed and sent takes so long at most.
LONG_ENOUGH = INTERVAL + 30.0 + 120.0
MAX_WAITING = 60
STORES = ("outbox", "journal", "all")
# A file that could not be written is tried again after so long.
RETRIED_SECONDS = 75.0
# What changes neither what is sent of an outage nor what that says, though a new process may delay
# it; a disk that fails neither, unless a process ends meanwhile: that may leave too little to know.
HARMLESS = ("kill", "stop", "step", "rename")
# What is said to begin, and to end, and when that is sent, may be so late.
LATE_SECONDS = INTERVAL + 60.0
# Another outage so near is a part of the same incident, or makes it flap.
APART_SECONDS = 5400.0


def violations(run: Run, *, remembers: bool = True) -> list[str]:
    """Everything that a run did wrong; ``remembers``: a life has what earlier ones stored."""
    found = [f"the process ended: {error}" for error in run.errors]
    if run.most_waiting > MAX_WAITING:
        found.append(f"{run.most_waiting} messages waited")
    if run.left:
        found.append(f"{run.left} messages wait at the end")
    for receiver in run.receivers.values():
        found += [
            f"{receiver.name}: {each}" for each in _of_receiver(run, receiver, remembers=remembers)
        ]
    return found


def _of_receiver(run: Run, receiver: Receiver, *, remembers: bool) -> Iterator[str]:
    scenario = run.scenario
    yield from _open_at_the_end(run, receiver)
    yield from _not_notified(scenario, receiver)
    yield from _false(scenario, receiver)
    yield from _doubled(scenario, receiver)
    if remembers:
        yield from _not_as_it_was(run, receiver)


def _open_at_the_end(run: Run, receiver: Receiver) -> Iterator[str]:
    """Each incident that was triggered is resolved."""
    firing: dict[str, Received] = {}
    for each in receiver.incidents:
        if each.message.occasion is MessageType.RESOLVED:
            firing.pop(each.message.key, None)
        else:
            firing[each.message.key] = each
    for key, each in firing.items():
        if not _could_not_be_known(run, key, receiver):
            yield f"{key} is open at the end, triggered at {each.at:.0f}"


def _could_not_be_known(run: Run, key: str, receiver: Receiver) -> bool:
    """Whether the process that triggered it could write no file from then on to its kill."""
    open_since = [each for each in receiver.incidents if each.message.key == key]
    resolves = [
        place
        for place, each in enumerate(open_since)
        if each.message.occasion is MessageType.RESOLVED
    ]
    open_since = open_since[resolves[-1] + 1 if resolves else 0 :]
    first = open_since[0]
    if first.life > len(run.ends) or any(each.life != first.life for each in open_since):
        return False
    end = run.ends[first.life - 1]
    return all(_is_unusable(run.scenario, store, first.at, end) for store in STORES[:2])


def _is_unusable(scenario: Scenario, store: str, start: float, end: float) -> bool:
    """Whether nothing could be stored there in all of a time."""
    faults = [f for f in scenario.of(*DISK) if f.whom in (store, "all")]
    at = start
    while at <= end:
        if not any(f.start <= at < f.end + RETRIED_SECONDS for f in faults):
            return False
        at += 1.0
    return True


def _not_notified(scenario: Scenario, receiver: Receiver) -> Iterator[str]:
    """Each outage that lasts long enough while messages can leave is triggered."""
    for outage in scenario.of("outage"):
        if not _is_certain(scenario, receiver, outage):
            continue
        is_notified = any(
            outage.whom in {place_of(alert.identity.check) for alert in each.message.firing}
            for each in _open_during(receiver, outage)
        )
        if not is_notified and not _is_paged_throughout(receiver, outage):
            yield f"the outage of {outage.whom} from {outage.start:.0f} was not sent"


def _is_certain(scenario: Scenario, receiver: Receiver, outage: Fault) -> bool:
    """Whether it lasts long enough with nothing in its way."""
    disturbed = [
        fault
        for fault in scenario.faults
        if fault.kind not in ("outage", "step", "suspend", "full", "broken", "torn")
        and fault.whom in (receiver.name, outage.whom, "own", "process", *STORES)
        and fault.start < outage.end
        and (fault.start if fault.whom == "process" else fault.end) > outage.start - 600.0
    ]
    return outage.end - outage.start > LONG_ENOUGH and not disturbed


def _is_paged_throughout(receiver: Receiver, outage: Fault) -> bool:
    """Whether an incident of a pager, which takes no updates, is open until the outage ends."""
    return not receiver.sends_missed_incidents and any(
        not any(
            other.message.key == each.message.key
            and other.message.occasion is MessageType.RESOLVED
            and each.at < other.at < outage.end
            for other in receiver.incidents
        )
        for each in _open_during(receiver, outage)
    )


def _open_during(receiver: Receiver, outage: Fault) -> list[Received]:
    return [
        each
        for each in receiver.incidents
        if each.message.occasion is not MessageType.RESOLVED
        and outage.start <= each.at <= outage.end + INTERVAL
    ] + [
        each
        for each in receiver.incidents
        if each.message.occasion is not MessageType.RESOLVED
        and each.at < outage.start
        and not any(
            other.message.key == each.message.key
            and other.message.occasion is MessageType.RESOLVED
            and each.at < other.at < outage.start
            for other in receiver.incidents
        )
    ]


def _false(scenario: Scenario, receiver: Receiver) -> Iterator[str]:
    """Nothing is sent as firing that was not failing."""
    for each in receiver.incidents:
        if each.message.occasion is MessageType.RESOLVED:
            continue
        for alert in each.message.firing:
            name = place_of(alert.identity.check)
            if alert.identity.rule != "failing":
                yield f"{alert.identity} was sent at {each.at:.0f}, and every check had results"
                continue
            failing = [
                outage
                for outage in scenario.of("outage")
                if outage.whom == name and outage.start <= each.at
            ]
            if not failing:
                yield f"{name} was sent as failing at {each.at:.0f} and never was"


def _doubled(scenario: Scenario, receiver: Receiver) -> Iterator[str]:
    """The same message comes twice only where an answer was lost or a process was killed."""
    seen: dict[tuple[str, str, float], Received] = {}
    for each in receiver.incidents:
        message = each.message
        key = (message.key, message.occasion.value, message.at)
        before = seen.get(key)
        if before is not None and before.answered and before.life == each.life:
            yield f"{message.occasion} of {message.key} came twice, at {each.at:.0f}"
        seen[key] = each
    firing: dict[str, Received] = {}
    for each in receiver.incidents:
        message = each.message
        before = firing.get(message.key)
        new = message.occasion is MessageType.FIRING
        # A resolve between the two may have been refused for good.
        refused = any(
            fault.whom == receiver.name and before and fault.end > before.at < each.at > fault.start
            for fault in scenario.of("reject")
        )
        alike = before is not None and before.answered and before.life == each.life
        if new and before is not None and alike and not refused:
            yield f"{message.key} was triggered twice, at {before.at:.0f} and {each.at:.0f}"
        if message.occasion is MessageType.RESOLVED:
            firing.pop(message.key, None)
        elif new:
            firing[message.key] = each


def _not_as_it_was(run: Run, receiver: Receiver) -> Iterator[str]:
    """An outage with nothing near it but what is harmless is one trigger and one resolve, which say
    when it began and ended."""
    for outage in run.scenario.of("outage"):
        if outage.end - outage.start <= LONG_ENOUGH or not _is_apart(run.scenario, outage):
            continue
        sent = [
            each
            for each in receiver.incidents
            if outage.start <= each.at < outage.end + APART_SECONDS
        ]
        messages = {(each.message.occasion.value, each.message.at): None for each in sent}
        occasions = [occasion for occasion, _ in messages if occasion != "changed"]
        if occasions != ["firing", "resolved"]:
            yield f"the outage of {outage.whom} from {outage.start:.0f} was sent as {occasions}"
        elif not _was_set_while_down(run):
            yield from _wrong_times(run, outage, sent)


def _wrong_times(run: Run, outage: Fault, sent: Sequence[Received]) -> Iterator[str]:
    """What messages say of when an outage began and ended, and when they came."""
    last = sent[-1]
    ended = max((alert.ended or 0.0 for alert in last.message.resolved), default=0.0)
    off = [each.message.since - run.wall(outage.start, each.at) for each in sent]
    off += [ended - run.wall(outage.end, last.at), last.at - outage.end]
    if not all(-1.0 <= seconds <= LATE_SECONDS for seconds in off):
        yield f"the outage of {outage.whom} from {outage.start:.0f} was sent {off} s from it"


def _was_set_while_down(run: Run) -> bool:
    """Whether the clock was set between two processes, or before the first one could store that:
    after a reboot it can't be distinguished from a time in which the machine was off."""
    downs = [(end - SILENCE_POLL_SECONDS, end + RESTART_SECONDS) for end in run.ends]
    return any(start <= f.start <= end for f in run.scenario.of("step") for start, end in downs)


def _is_apart(scenario: Scenario, outage: Fault) -> bool:
    """Whether nothing is near that may change what is sent of an outage."""
    near = {
        fault.kind
        for fault in scenario.faults
        if fault is not outage
        and fault.start < outage.end + APART_SECONDS
        and (fault.start if fault.whom == "process" else fault.end) > outage.start - APART_SECONDS
    }
    lives_on = not near & {"kill", "stop"}
    return near <= {*HARMLESS, *(DISK if lives_on else ())}
