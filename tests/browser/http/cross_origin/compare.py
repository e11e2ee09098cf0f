"""Chromium and the ``http`` check beside each other."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.browser.http.asking import tab_of_names
from tests.browser.http.cross_origin.case import CrossRow
from tests.browser.http.cross_origin.server import HOST, Place, certificate, serving
from tests.browser.http.visits.compare import all_names_here
from tests.servers.chromium import Tab

GROUPS = "group of requests of a page"
_VALUES = {"content-type": "application/json", "authorization": "Bearer x"}


def tab(folder: Path) -> AbstractAsyncContextManager[Tab]:
    """A browser that finds all names on this machine."""
    return tab_of_names(folder, certificate(folder), f"*.test {HOST}")


async def outcome_of_chromium(row: CrossRow, asking: Tab, folder: Path) -> str:
    """``ok``, a status code, or the error of ``fetch``."""
    method, path, *names = row.wants.split(" ")
    options = {
        "method": method,
        "headers": {each: _VALUES[each] for each in "".join(names).split(",") if each},
        "credentials": "include" if row.credentials else "same-origin",
        **({"body": "{}"} if method == "POST" else {}),
    }
    async with serving(row.servers, row.page, row.start, folder) as place:
        await asking.open(f"{place.page}/")
        found = await asking.evaluate(
            f"fetch({json.dumps(_asked(place, path))}, {json.dumps(options)})"
            ".then(got => got.text().then(() => got.ok ? 'ok' : `${got.status}`), "
            "error => error.message)"
        )
    asking.events.clear()
    return str(found)


async def outcome_of_probe(row: CrossRow, folder: Path) -> str:
    """``ok``, or the cause."""
    method, path, *_ = row.wants.split(" ")
    async with serving(row.servers, row.page, row.start, folder) as place:
        table = {
            "name": "page",
            "url": _asked(place, path) if method == "GET" else f"{place.url}/",
            "deadline": 20,
            "ca_file": certificate(folder),
            "cors_origin": place.page,
            "cors_credentials": row.credentials,
            "cors_preflight": () if method == "GET" else (row.wants,),
        }
        with all_names_here():
            result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value


def _asked(place: Place, path: str) -> str:
    return place.url if place.url.count("/") > 2 else f"{place.url}{path}"
