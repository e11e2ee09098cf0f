"""``PROBE_JOURNEY``: whether users of the probe join the application's queue."""

from pydantic import Field

from probe.core.environment import Environment


class JourneyVariable(Environment):
    """Read by the journey, and by what shares its Redis commands with it."""

    journey: bool = Field(default=False, alias="PROBE_JOURNEY")
    """`true` runs the user journey twice a day: two users of the probe join the application's queue
    and call each other. Example: `true`"""
