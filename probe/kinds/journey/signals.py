"""What a journey measures."""

from probe.core.model import Signal, Unit


def _seconds(name: str, text: str, short: str = "") -> Signal:
    name = f"probe_journey_{name}_seconds"
    return Signal(name, Unit.SECONDS, text, column=short, latency=True)


TOKEN = _seconds("token", "How long getting or minting the two tokens took.")
CONNECT = _seconds("connect", "From connecting until both sessions are open.")
QUEUE = _seconds("queue", 'From the first "join-queue" until both have their place in it.')
MATCH = _seconds("match", 'From the second "join-queue" until both are matched.', "match")
SIGNAL = _seconds("signal", "From the offer until the answer, both through the backend.")
ICE = _seconds("ice", "From the offer until ICE is connected on both sides.")
DTLS = _seconds("dtls", "From the offer until DTLS is connected on both sides.")
OPEN = _seconds("open", "From the offer until the data channel is open on both sides.", "open")
RTT = _seconds("rtt", "Echo over the call's data channel, median of a run.", "RTT")
END = _seconds("end", 'From "end-call" until both sides have received it.')
MATCHES = Signal(
    "probe_journey_matches",
    Unit.COUNT,
    'How many times "matched" came for the same pair.',
)
STRANGERS = Signal(
    "probe_journey_strangers_total",
    Unit.COUNT,
    "Matches with a user other than the probe's second device; ended at once.",
    counter=True,
)

SIGNALS = (
    MATCH,
    OPEN,
    RTT,
    TOKEN,
    CONNECT,
    QUEUE,
    SIGNAL,
    ICE,
    DTLS,
    END,
    MATCHES,
    STRANGERS,
)
