"""What is kept of one alert, in memory and on the disk."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from alerts.cluster.quorum import Sight, Trouble
from alerts.model import Alert, Identity, Severity
from alerts.outbox.codec import CodecError, dump_alert, load_alert
from alerts.state.machine import Seen, Stage, State, Terms

# Values that a trend is made of.
MOST_VALUES = 60


@dataclass(slots=True)
class Kept:
    """One alert's state, its terms, and how to put it into words."""

    state: State
    terms: Terms
    words: Callable[[], Alert] | None = None
    alert: Alert | None = None
    values: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MOST_VALUES))
    heard: float = 0.0
    # Taken up from the disk and out of date: its timers wait for a first result.
    asleep: bool = False


def name_of(identity: Identity) -> str:
    """Under which an alert is kept."""
    return f"alert:{identity}"


def dump(identity: Identity, kept: Kept) -> str:
    """One alert as text."""
    words = kept.words() if kept.words is not None else kept.alert
    document = {
        "identity": asdict(identity),
        "state": asdict(kept.state),
        "heard": kept.heard,
        "alert": dump_alert(kept.alert) if kept.alert is not None else None,
        "words": dump_alert(words) if words is not None else None,
    }
    return json.dumps(document, separators=(",", ":"))


def trouble_of(identity: Identity, kept: Kept, now: float) -> Trouble | None:
    """An alert that is seen as bad, told or not. Sure is what fires, or is half way there: a
    single bad look between good ones isn't."""
    state = kept.state
    if state.stage is Stage.OK or state.since is None or kept.asleep:
        return None
    if state.stage is Stage.FIRING:
        sight = Sight(state.severity or Severity.WARNING, state.seen is not Seen.GOOD)
        return Trouble(identity, state.since, sight)
    severity = Severity.WARNING if state.severe is None else Severity.CRITICAL
    began = state.since if state.severe is None else state.severe
    return Trouble(
        identity, state.since, Sight(severity, now - began >= kept.terms.hold[severity] / 2)
    )


def load(name: str, text: str) -> tuple[Identity, Kept] | None:
    """What ``dump`` gave; None for what can't be read."""
    try:
        document = json.loads(text)
        known = document["identity"]
        labels = tuple((str(label), str(value)) for label, value in known["labels"])
        identity = Identity(str(known["check"]), str(known["rule"]), labels)
        if name != name_of(identity):
            return None
        # Its true terms come with its check.
        terms = Terms({Severity.WARNING: 0.0, Severity.CRITICAL: 0.0})
        heard = float(document["heard"])
        kept = Kept(_state(document["state"]), terms, heard=heard, asleep=True)
        if document["alert"]:
            kept.alert = load_alert(document["alert"])
        if document["words"]:
            words = load_alert(document["words"])
            kept.words = lambda: words
        return identity, kept
    except (CodecError, KeyError, TypeError, ValueError):
        return None


def _state(document: Mapping[str, object]) -> State:
    known: dict[str, object] = dict(document)
    severity = known.get("severity")
    return replace(
        State(**known),  # type: ignore[arg-type]  # what asdict gave, and the words below
        stage=Stage(str(known["stage"])),
        severity=Severity(str(severity)) if severity else None,
        seen=Seen(str(known["seen"])),
        recent=tuple(bool(each) for each in _list(known["recent"])),
        flips=tuple(float(str(each)) for each in _list(known["flips"])),
    )


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()
