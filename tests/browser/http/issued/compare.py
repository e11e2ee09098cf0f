"""The page of the application in Chromium and the checks' ``Backend`` beside each other."""

import json
import time
from pathlib import Path

from pydantic import SecretStr

from probe.core.model import CheckAborted
from probe.paircam import Backend
from tests.browser.http.cross_origin.case import CrossRow
from tests.browser.http.cross_origin.compare import tab
from tests.browser.http.cross_origin.server import certificate, serving
from tests.browser.http.issued.rows import RELAYS
from tests.browser.http.visits.compare import all_names_here
from tests.servers.chromium import Tab

__all__ = ["GROUPS", "outcome_of_chromium", "outcome_of_probe", "tab"]

GROUPS = "group of what a page is issued"
_JSON = {"Content-Type": "application/json"}
_TOKEN = {"Authorization": "Bearer x"}


async def outcome_of_chromium(row: CrossRow, asking: Tab, folder: Path) -> str:
    """``ok``, a status code, or the error of ``fetch`` or of what is read."""
    options = {
        "method": "POST",
        "headers": {**_JSON, **(_TOKEN if row.wants == RELAYS else {})},
        "body": "{}",
    }
    async with serving(row.servers, row.page, row.start, folder) as place:
        await asking.open(f"{place.page}/")
        url = place.url + row.wants.split(" ")[1]
        found = await asking.evaluate(
            f"fetch({json.dumps(url)}, {json.dumps(options)}).then("
            "got => got.ok ? got.json().then(all => all.accessToken || all.urls ? 'ok' : 'nothing')"
            " : `${got.status}`).catch(error => error.message)"
        )
    asking.events.clear()
    return str(found)


async def outcome_of_probe(row: CrossRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.servers, row.page, row.start, folder) as place:
        backend = Backend(
            SecretStr(place.url),
            jwt_secret=SecretStr("x" * 40) if row.wants == RELAYS else None,
            jwt_expiration=300,
            ca_file=certificate(folder),
            clock=time.monotonic,
            now=time.time,
            origin=place.page,
        )
        with all_names_here():
            try:
                await (backend.issued_credentials() if row.wants == RELAYS else backend.token())
            except CheckAborted as aborted:
                return aborted.cause.value
    return "ok"
