"""Badges say what a service is like, feeds are Atom, and both can be cached."""

import xml.etree.ElementTree as ET
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.history.incidents.model import Incident
from probe.report.feed import incident_feed
from probe.report.html.badge import percent, response_badge, state_badge
from tests.history.incidents.samples import NOTE, incident, notification
from tests.history.period_builders import NOON
from tests.web.api.serving import LOGIN, served

ATOM = "{http://www.w3.org/2005/Atom}"
ADDRESS = "https://probe.example"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Backend: up"),
        ("?variant=state", "Backend: up"),
        ("?variant=uptime", "Backend 30d: 99.97 %"),
        ("?variant=uptime&window=24h", "Backend 24h: 99.24 %"),
        ("?variant=response", "Backend response: 181 ms"),
    ],
)
async def test_a_badge_of_a_service(query: str, said: str) -> None:
    async with served() as client:
        rows = client.source.overview.rows
        well = replace(rows[0], verdict=Verdict.OK, failure=None)
        client.source.overview = replace(client.source.overview, rows=(well, *rows[1:]))
        status, text, answer = await client.ask("GET", f"/badge/backend.svg{query}", headers={})
        assert status == 401
        status, text, answer = await client.ask("GET", f"/badge/backend.svg{query}", headers=LOGIN)
        assert (status, answer.content_type) == (200, "image/svg+xml")
        assert ET.fromstring(text).findtext("{http://www.w3.org/2000/svg}title") == said
        assert answer.headers["Cache-Control"] == "private, max-age=60"


async def test_a_badge_can_be_cached_and_asked_for_again() -> None:
    async with served(login=False) as client:
        path = "/badge/backend.svg?variant=uptime"
        status, _, answer = await client.ask("GET", path, headers={})
        assert (status, answer.headers["Cache-Control"]) == (200, "public, max-age=60")
        again = {"If-None-Match": answer.headers["ETag"]}
        status, text, _ = await client.ask("GET", path, headers=again)
        assert (status, text) == (304, "")


async def test_a_service_that_there_is_not_has_a_badge_that_says_so() -> None:
    async with served(login=False) as client:
        status, text, answer = await client.ask("GET", "/badge/nothing.svg", headers={})
        assert (status, answer.content_type) == (404, "image/svg+xml")
        assert "unknown service" in text
        status, problem, _ = await client.ask("GET", "/badge/backend.svg?variant=x", headers={})
        assert (status, "state, uptime, response" in problem["detail"]) == (400, True)


def test_uptime_is_never_rounded_up() -> None:
    assert [percent(each) for each in (1.0, 0.999999, 0.99951, 0.0)] == [
        "100 %",
        "99.99 %",
        "99.95 %",
        "0.00 %",
    ]


async def test_a_service_without_a_run_or_a_time_has_a_badge() -> None:
    async with served() as client:
        [row] = (await client.source.board()).services
        assert "not run yet" in state_badge(replace(row, verdict=None))
        assert "no data" in response_badge(replace(row, median=None))


def _check_atom(text: str) -> list[ET.Element]:
    """RFC 4287: what a feed and its entries must have, once each; returns the entries."""
    feed = ET.fromstring(text)
    assert feed.tag == f"{ATOM}feed"
    for each in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(each.findall(f"{ATOM}{name}")) == 1, name
        assert urlsplit(each.findtext(f"{ATOM}id", "")).scheme == "tag"
        for name in ("updated", "published"):
            for moment in each.findall(f"{ATOM}{name}"):
                assert datetime.fromisoformat(moment.text or "").tzinfo is not None
        for link in each.findall(f"{ATOM}link"):
            assert urlsplit(link.attrib["href"]).netloc == "probe.example"
    assert feed.findall(f"{ATOM}author"), "entries have none of their own"
    assert len([each for each in feed.findall(f"{ATOM}link") if each.get("rel") == "self"]) == 1
    entries = feed.findall(f"{ATOM}entry")
    ids = [each.findtext(f"{ATOM}id") for each in entries]
    assert len(set(ids)) == len(ids)
    for each in entries:
        [content] = each.findall(f"{ATOM}content")
        assert (content.get("type"), len(content)) == ("text", 0)
    return entries


def _whole() -> Incident:
    return replace(
        incident(ended=NOON + 600),
        notifications=(notification(),),
        notes=(NOTE, replace(NOTE, id="public", text="We are on it.", public=True)),
    )


def test_the_feed_is_atom_and_says_what_happened() -> None:
    other = incident("other", title="<b>&\x00\x1b[2J]]>\ud800" + "x" * 300)
    entries = _check_atom(
        incident_feed([_whole(), other], NOON + 700, ADDRESS, title="Incidents of <lax>")
    )
    assert "(resolved)" in entries[0].findtext(f"{ATOM}title", "")
    content = entries[0].findtext(f"{ATOM}content", "")
    assert "lasted 10 min" in content
    assert "slack: notified" in content
    assert f"{ADDRESS}/incidents/{incident().id}" in ET.tostring(entries[0]).decode()


def test_an_empty_feed_is_a_feed() -> None:
    assert _check_atom(incident_feed([], NOON, ADDRESS, title="Incidents")) == []


async def test_the_feed_is_served() -> None:
    async with served(login=False) as client:
        client.source.incidents_of.keep(incident())
        await client.source.history.flush()
        status, text, answer = await client.ask("GET", "/incidents.atom", headers={})
        assert (status, answer.content_type) == (200, "application/atom+xml")
        assert len(_check_atom(text)) == 1
