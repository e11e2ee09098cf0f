"""Whatever a server does, the check ends in time with the right cause, and its neighbour is ok."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.kinds import KINDS
from tests.hostile.servers import http, serving
from tests.hostile.table import Hostile, everything

pytestmark = pytest.mark.usefixtures("leaks")

DEADLINE = 20.0
HEALTHY = b'{"status":"ok","services":{}}'
TABLE = everything()


def _tables(port: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Kind and keys of the check that asks each sort of server."""
    url = f"http://127.0.0.1:{port}"
    relay = {"username": "u", "password": "password", "provider": "x"}
    fly = {"token": "FlyV1 fm2_secret-of-the-test", "org": "o", "app": "a", "prometheus_url": url}
    return {
        "postgres": ("postgres", {"url": f"postgres://u:password@127.0.0.1:{port}/d"}),
        "redis": ("redis", {"url": f"redis://127.0.0.1:{port}"}),
        "health": ("http", {"url": url, "body": "health"}),
        "app_metrics": ("app_metrics", {"url": f"{url}/metrics"}),
        "metered": ("metered", {"url": url, "secret_key": "abcdabcd"}),
        "fly-metrics": ("fly", {**fly, "part": "metrics", "machines_url": url}),
        "fly-machines": ("fly", {**fly, "part": "machines", "machines_url": url}),
        "signaling": ("signaling", {"url": url}),
        "page": ("http", {"url": url, "body": "health"}),
        "secure page": ("http", {"url": f"https://127.0.0.1:{port}", "body": "health"}),
        "socket": ("signaling", {"url": url, "jwt_secret": "s" * 32}),
        "secure redis": ("redis", {"url": f"rediss://127.0.0.1:{port}"}),
        "relay": ("allocation", {"url": f"turn:127.0.0.1:{port}?transport=tcp", **relay}),
        "secure relay": ("allocation", {"url": f"turns:127.0.0.1:{port}?transport=tcp", **relay}),
        "allocation": (
            "allocation",
            {"metered_url": url, "api_key": "abcdabcd", "provider": "metered", "way": "udp"},
        ),
    }


def check_of(
    name: str, sort: str, port: int, deadline: float = DEADLINE, ca_file: Path | None = None
) -> Check:
    """A check of this sort of server; over TLS where there is an authority to trust."""
    kind_name, keys = _tables(port)[sort]
    if ca_file is not None:
        keys = {name: _secured(value) for name, value in keys.items()} | {"ca_file": ca_file}
    kind = next(each for each in KINDS if each.name == kind_name)
    table = kind.table.model_validate({"name": name, "deadline": deadline, **keys})
    return Check(kind, table)


def _secured(value: Any) -> Any:
    secure = {"http:": "https:", "turn:": "turns:"}
    for plain, scheme in secure.items():
        if isinstance(value, str) and value.startswith(plain):
            return scheme + value.removeprefix(plain)
    return value


def _texts(result: Result) -> list[str]:
    found = list(result.facts.values())
    found += [value for sample in result.samples for value in sample.labels.values()]
    if result.failure is not None:
        found += [result.failure.message, result.failure.hint]
    return found


@pytest.mark.parametrize("hostile", TABLE, ids=lambda each: each.name)
async def test_a_hostile_server_hurts_its_own_check_alone(hostile: Hostile) -> None:
    context = Context()
    async with serving(hostile.behave) as port, serving(http(HEALTHY)) as well:
        result, neighbour = await asyncio.gather(
            run_check(check_of("hostile", hostile.kind, port, hostile.deadline), context),
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
