"""Clocks that a test moves."""

import asyncio


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


async def settle() -> None:
    """Let everything happen that waits for nothing but its turn."""
    for _ in range(12):
        await asyncio.sleep(0)
