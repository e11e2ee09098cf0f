"""A silence whose body comes in several parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from probe.web.access import Access
from probe.web.silence_api import SilenceApi, Silences
from tests.web.site_server import Source, served

PARTS = (b'{"comment": "', b"deploy", b'"}')


async def _none() -> list[Mapping[str, Any]]:
    return []


async def _expire(_: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("size", "status"), [(0, 200), (60_000, 200), (70_000, 413)], ids=["short", "long", "too long"]
)
async def test_a_body_in_parts_is_read_to_its_end(size: int, status: int) -> None:
    added: list[object] = []

    async def add(document: object) -> Mapping[str, Any]:
        added.append(document)
        return {"silenceID": "1"}

    async def body() -> AsyncIterator[bytes]:
        for part in (PARTS[0], PARTS[1] + b"x" * size, PARTS[2]):
            yield part
            await asyncio.sleep(0.01)

    pages = Source().pages(Access())
    pages.app.add_routes(SilenceApi(Silences(_none, add, _expire), lambda: True).routes())
    async with (
        served(pages) as (client, _),
        client.post(
            "/api/v2/silences", data=body(), headers={"Content-Type": "application/json"}
        ) as answer,
    ):
        assert answer.status == status
    assert added == ([{"comment": "deploy" + "x" * size}] if status == 200 else [])
