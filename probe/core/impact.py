"""What users lose when a check fails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Impact:
    """What the first line of a notification says of a failure.

    ``service`` is what it is about, shared by kinds whose failures have one cause; ``loss``
    says what is lost when the failure is critical, ``degradation`` when it is a warning.
    """

    service: str = ""
    loss: str = ""
    degradation: str = ""
