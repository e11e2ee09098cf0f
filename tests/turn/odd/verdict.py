"""What a check says of an odd server."""

from pathlib import Path
from typing import Any

from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.runner import run_check
from tests.turn.bends import PASSWORD, USERNAME
from tests.turn.bent_server import BentServer
from tests.turn.odd.server import OK

DEADLINE = 20.0


async def verdict(
    kind: Kind[Any, Any], at: BentServer, way: str, *, ca_file: Path | None = None, **table: Any
) -> str:
    """The cause of a failure, or ``ok``."""
    found = {
        "name": kind.name,
        "url": at.url(way),
        "username": USERNAME,
        "password": PASSWORD,
        "deadline": DEADLINE,
        "ca_file": ca_file,
        **table,
    }
    context = Context()
    result = await run_check(Check(kind, kind.table.model_validate(found)), context)
    await context.closing.drain(timeout=5)
    return result.failure.cause.value if result.failure else OK
