"""A user of a load calls as a browser does: by whichever issued URL works."""

from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import LoadPlan
from tests.browser.odd.paths.issuing import JWT_SECRET, issuing
from tests.load.loading import generator
from tests.servers.certificate import make_certificate
from tests.turn.bends import Bends, Refusal
from tests.turn.bent_server import bent_server

REFUSED = "turn:127.0.0.1:9?transport=tcp"
PLAN = LoadPlan(users=1, duration=1.0, think=90.0, steps=("credentials", "call"), echoes=10)


async def loaded(*urls: str, folder: Path) -> LoadStatistics:
    ca_file = make_certificate(folder).ca_file
    async with issuing(*urls) as backend:
        environment = {
            "BACKEND_URL": backend,
            "JWT_SECRET": JWT_SECRET,
            "PROBE_CA_FILE": str(ca_file),
        }
        return await generator(environment, PLAN, owns_target=True).run()


@pytest.mark.parametrize("code", [401, 486, 508, None])
async def test_where_the_preferred_url_fails_the_next_one_carries_the_call(
    tmp_path: Path, code: int | None
) -> None:
    refuses = Bends(instead=lambda _: Refusal(code) if code else None, largest=10**9 if code else 0)
    async with bent_server(refuses) as broken, bent_server() as well:
        found = await loaded(broken.url("udp"), well.url("tcp"), folder=tmp_path)
    assert (found.step("call").passed, found.errors) == (1, {})


async def test_where_none_works_the_preferred_one_is_named(tmp_path: Path) -> None:
    async with bent_server(instead=lambda _: Refusal(486)) as broken:
        found = await loaded(REFUSED, broken.url("udp"), folder=tmp_path)
    assert [error.cause for error in found.errors] == [Cause.ALLOCATION_QUOTA]
