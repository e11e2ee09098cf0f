"""Whole messages as the pipeline makes them, and any text in all of their fields."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Message, MessageType, Severity

NOON = 1_800_000_000.0


def failing(check: str = "health", **parts: Any) -> Alert:
    """A check that fails."""
    alert = Alert(
        identity=Fingerprint(check, "failing"),
        severity=Severity.CRITICAL,
        since=NOON,
        fired=NOON + 30,
        summary="redis is down",
        kind="http",
        target="https://paircam.live/health",
        region="lax",
        runbook="service-down",
        labels=(("provider", "primary"),),
        phase="body",
        cause="service_down",
        hint="Look at Redis.",
    )
    return replace(alert, **parts)


def slow(check: str = "turn-primary-udp", **parts: Any) -> Alert:
    """A value beyond its limit."""
    rule = "probe_turn_relay_rtt_seconds"
    alert = failing(
        check,
        identity=Fingerprint(check, rule, (("transport", "udp"),)),
        severity=Severity.WARNING,
        summary="relay round trip 1.2 s is above 1 s",
        kind="turn",
        target="turn:relay.example.org:3478",
        runbook="relay-slow",
        phase="",
        cause="",
        hint="",
        value="1.2 s",
        limit="above 1 s",
        trend="was 204 ms 10 min ago",
    )
    return replace(alert, **parts)


def sample_message(occasion: MessageType = MessageType.FIRING, **parts: Any) -> Message:
    """An incident of one alert, half a minute old, with everything there is to say."""
    over = occasion is MessageType.RESOLVED
    message = Message(
        key="paircam.live",
        occasion=occasion,
        severity=Severity.CRITICAL,
        title="health recovered" if over else "health: redis is down",
        at=NOON + 30,
        since=NOON,
        region="lax",
        firing=() if over else (failing(),),
        resolved=(failing(ended=NOON + 30),) if over else (),
        changes=() if over else ("health: version 1.4 → 1.5, 12 min ago",),
        affected=() if over else ("signaling",),
        links=(
            ("status page", "https://probe.example.org/"),
            ("runbook", "https://probe.example.org/runbooks/service-down"),
        ),
        text="" if over else "Is Upstash up?\nIs the URL right?",
    )
    return replace(message, **parts)


# Characters that grow when they are escaped or encoded, and none that are text for nobody.
_odd = st.sampled_from(["&" * 4000, "<" * 3000, "*_~`" * 900, "\U0001f4a5" * 2500, "a\x00\u202eb"])
texts = st.text(max_size=3000) | _odd
_names = st.lists(texts, max_size=12).map(tuple)
_labels = st.lists(st.tuples(texts, texts), max_size=4).map(tuple)

alerts = st.builds(
    Alert,
    identity=st.builds(Fingerprint, texts, texts, _labels),
    severity=st.sampled_from(Severity),
    since=st.floats(NOON, NOON + 1e6),
    fired=st.just(NOON),
    summary=texts,
    kind=texts,
    target=texts,
    region=texts,
    runbook=texts,
    labels=_labels,
    phase=texts,
    cause=texts,
    hint=texts,
    value=texts,
    limit=texts,
    trend=texts,
)
_groups = st.lists(alerts, max_size=3).map(tuple)
_links = st.lists(
    st.tuples(texts, texts.map(lambda path: f"https://probe.example.org/{path}")), max_size=3
).map(tuple)

messages = st.builds(
    Message,
    key=texts,
    occasion=st.sampled_from(MessageType),
    severity=st.sampled_from(Severity),
    title=texts,
    at=st.floats(NOON, NOON + 1e6),
    since=st.floats(NOON - 1e6, NOON),
    region=texts,
    firing=_groups | _groups.map(lambda few: few * 10),
    resolved=_groups,
    changes=_names,
    affected=_names,
    links=_links,
    text=texts,
    test=st.booleans(),
)
