"""Whatever a server does, the check ends in time with the right cause, and its neighbour is ok."""

import asyncio
from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Result, Status
from probe.core.runner import run_check
from tests.hostile.checks import HEALTHY, check_of
from tests.hostile.servers import http, serving, serving_over
from tests.hostile.table import Hostile, everything
from tests.servers.certificate import make_certificate

pytestmark = pytest.mark.usefixtures("leaks")

TABLE = everything()


MARKED = [
    pytest.param(each, marks=[pytest.mark.proof] if each.is_long else [], id=each.name)
    for each in TABLE
]


def _texts(result: Result) -> list[str]:
    found = list(result.facts.values())
    found += [value for sample in result.samples for value in sample.labels.values()]
    if result.failure is not None:
        found += [result.failure.message, result.failure.hint]
    return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the hostile servers' certificate."""
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder)
    return folder


@pytest.mark.parametrize("hostile", MARKED)
async def test_a_hostile_server_hurts_its_own_check_alone(
    hostile: Hostile, certificate: Path
) -> None:
    context = Context()
    ca_file = certificate / "ca.pem" if hostile.layer != "plain" else None
    async with (
        serving_over(hostile.layer, hostile.behave, certificate) as port,
        serving(http(HEALTHY)) as well,
    ):
        result, neighbour = await asyncio.gather(
            run_check(check_of("hostile", hostile.kind, port, hostile.deadline, ca_file), context),
            run_check(check_of("healthy", "health", well), context),
        )
        await context.closing.drain(timeout=5)
    assert neighbour.status is Status.OK
    if hostile.may:
        assert result.failure is not None
        assert result.failure.cause in hostile.may, result.failure
    elif result.failure is not None:
        assert result.failure.cause is not Cause.INTERNAL_ERROR
    for text in _texts(result):
        assert len(text) <= 500
        assert text.isprintable()
        assert text.encode().decode() == text


def test_the_table_is_large_enough_and_its_names_are_unique() -> None:
    assert len(TABLE) >= 150
    assert len({each.name for each in TABLE}) == len(TABLE)
