"""Who is in the queue, who is matched with whom: PairCam's rules without its network."""

import itertools
from dataclasses import dataclass, field

from msgspec import Struct

REMATCH_SECONDS = 3600.0
FIELDS = frozenset(
    {
        "region",
        "language",
        "gender",
        "genderPreference",
        "interests",
        "queueType",
        "nativeLanguage",
        "learningLanguage",
        "preferences",
    }
)
LANGUAGES = ("language", "nativeLanguage", "learningLanguage")
QUEUE_TYPES = frozenset({"casual", "serious", "language", "gaming"})


class QueuedUser(Struct, frozen=True):
    """One user in the queue."""

    sid: str
    device: str
    queue: str
    language: str = ""


@dataclass(slots=True)
class LabMatch:
    """Two users and the sessions announced to them; the last one is valid."""

    first: QueuedUser
    second: QueuedUser
    sessions: tuple[str, str]


@dataclass
class Matching:
    """The queue, and the active sessions. ``now`` is in seconds of one clock."""

    queue: list[QueuedUser] = field(default_factory=list)
    _sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    _matched_at: dict[frozenset[str], float] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def join(self, user: QueuedUser, now: float, *, anyone: bool = False) -> LabMatch | None:
        """Put a user into the queue, or match it at once; with ``anyone``, against all rules."""
        self.leave(user.sid)
        for other in sorted(self.queue, key=lambda other: other.queue != user.queue):
            if anyone or self._fit(user, other, now):
                self.queue.remove(other)
                return self._match(user, other, now)
        self.queue.append(user)
        return None

    def leave(self, sid: str) -> None:
        """Take a user out of the queue; harmless when not in it."""
        self.queue = [waiting for waiting in self.queue if waiting.sid != sid]

    def peer(self, session: str, sid: str) -> str | None:
        """The other side of an active session, or None."""
        sides = self._sessions.get(session, ())
        if sid not in sides:
            return None
        return next(side for side in sides if side != sid)

    def activate(self, match: LabMatch, session: str) -> None:
        """Make this session of a match the only active one."""
        for each in match.sessions:
            self.end(each)
        self._sessions[session] = (match.first.sid, match.second.sid)

    def end(self, session: str) -> None:
        """Forget a session."""
        self._sessions.pop(session, None)

    @property
    def sessions(self) -> int:
        """How many sessions of two users are active."""
        return len(self._sessions)

    def sessions_of(self, sid: str) -> list[str]:
        """The sessions that a user is in."""
        return [session for session, sides in self._sessions.items() if sid in sides]

    def _match(self, user: QueuedUser, other: QueuedUser, now: float) -> LabMatch:
        self._matched_at[frozenset({user.device, other.device})] = now
        sessions = (f"session-{next(self._numbers)}", f"session-{next(self._numbers)}")
        match = LabMatch(other, user, sessions)
        self.activate(match, sessions[-1])
        return match

    def _fit(self, one: QueuedUser, other: QueuedUser, now: float) -> bool:
        matched_at = self._matched_at.get(frozenset({one.device, other.device}))
        if matched_at is not None and now - matched_at < REMATCH_SECONDS:
            return False
        if "language" in (one.queue, other.queue):
            return one.queue == other.queue and one.language == other.language
        return True


def problem_with(wish: object) -> str | None:
    """What is wrong with the payload of ``join-queue``, or None."""
    if not isinstance(wish, dict):
        return "an object is expected"
    unknown = sorted(set(wish) - FIELDS)
    if unknown:
        return f"property {unknown[0]} should not exist"
    queue = wish.get("queueType", "casual")
    if not isinstance(queue, str) or queue not in QUEUE_TYPES:
        return "queueType must be one of casual, serious, language, gaming"
    for name in LANGUAGES:
        code = wish.get(name, "")
        if not isinstance(code, str) or len(code) > 10:
            return f"{name} must be a language code of at most 10 characters"
    return None
