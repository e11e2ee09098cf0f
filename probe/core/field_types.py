"""Types of settings that carry their unit or their text: the reference is made from them; and
what is said of a value that does not fit its type."""

from typing import Annotated

from msgspec import Struct

from probe.core.model import Unit


class Described(Struct, frozen=True):
    """What a field of this type is, wherever it stands, and its type in words; a field's own
    docstring wins over the text."""

    text: str = ""
    type: str = ""


Seconds = Annotated[float, Unit.SECONDS]
Bytes = Annotated[int, Unit.BYTES]
Ratio = Annotated[float, Unit.RATIO]

_NO_UNIT = "without quotes and units: times are in seconds, sizes in bytes, shares from 0 to 1"
_NO_TABLE = "must be a table: write NAME = VALUE below it"
_PLAIN = {
    "Field required": "is required",
    "Input should be a valid number, unable to parse string as a number": (
        f"must be a number {_NO_UNIT}"
    ),
    "Input should be a valid integer, unable to parse string as an integer": (
        f"must be a whole number {_NO_UNIT}"
    ),
    "Input should be a valid string": "must be text: write it in quotes",
    "Input should be a valid number": f"must be a number {_NO_UNIT}",
    "Input should be a valid integer": f"must be a whole number {_NO_UNIT}",
    "Input should be a valid boolean": "must be true or false, without quotes",
    "Input should be a valid dictionary": _NO_TABLE,
    "String should have at least 1 character": "must not be empty",
    "Input should be a valid tuple": "must be a list: write it in [brackets]",
    "String should match pattern '^[a-z0-9-]+$'": "must be lowercase letters, digits and dashes",
    "String should match pattern '^[a-z0-9][a-z0-9-]{0,62}$'": (
        "must be at most 63 lowercase letters, digits and dashes"
    ),
    "String should match pattern '^[a-z][a-z0-9_]{0,62}$'": (
        "must be at most 63 lowercase letters, digits and underscores, and begin with a letter"
    ),
    "String should match pattern '^[a-z0-9][a-z0-9._-]{0,62}$'": (
        "must be at most 63 lowercase letters, digits, dots, dashes and underscores, and begin "
        "with a letter or digit"
    ),
}


def plain_message(message: str) -> str:
    """pydantic's message without its own prefixes, and in words that name the remedy."""
    bare = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if bare.startswith("Input should be a valid dictionary or instance of "):
        return _NO_TABLE
    plain = _PLAIN.get(bare, bare.replace("Input should be", "must be", 1))
    return plain.replace("String should match pattern", "must be of the form", 1)
