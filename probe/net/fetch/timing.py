"""Where the time of an HTTP request goes, and in which phase it is at any moment."""

from collections.abc import Callable


class Timing:
    """Seconds spent in each phase, summed over all requests (redirects) of a client.

    The names are blackbox_exporter's: resolve, connect, tls, processing (the connection is
    established until the response's headers are there), transfer (headers until the last
    byte). ``current`` is the phase under way, ``lookup`` the seconds of the first lookup.
    """

    def __init__(self, clock: Callable[[], float], on_phase: Callable[[str], None]) -> None:
        self.phases: dict[str, float] = {}
        self.current = "resolve"
        self.lookup: float | None = None
        self._clock = clock
        self._on_phase = on_phase
        self._mark: float | None = None

    @property
    def finished(self) -> dict[str, float]:
        """The phases that came to their end."""
        return {
            phase: seconds
            for phase, seconds in self.phases.items()
            if self._mark is None or phase != self.current
        }

    def enter(self, phase: str) -> None:
        """End the phase under way and begin another."""
        self.leave()
        self.current, self._mark = phase, self._clock()
        self._on_phase(phase)

    def leave(self) -> None:
        """End the phase under way."""
        if self._mark is None:
            return
        seconds = self._clock() - self._mark
        self.phases[self.current] = self.phases.get(self.current, 0.0) + seconds
        self._mark = None
        if self.current == "resolve" and self.lookup is None:
            self.lookup = seconds
