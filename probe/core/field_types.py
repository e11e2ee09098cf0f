"""Types of settings that carry their unit or their text: the reference is made from them."""

from dataclasses import dataclass
from typing import Annotated

from probe.core.model import Unit


@dataclass(frozen=True, slots=True)
class Described:
    """What a field of this type is, wherever it stands, and its type in words; a field's own
    docstring wins over the text."""

    text: str = ""
    type: str = ""


Seconds = Annotated[float, Unit.SECONDS]
Bytes = Annotated[int, Unit.BYTES]
Ratio = Annotated[float, Unit.RATIO]
