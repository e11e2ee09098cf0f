"""Incidents as an Atom feed (RFC 4287)."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from probe.history.incidents.model import Incident
from probe.report.text.sanitize import clean
from probe.report.text.time_format import duration, iso
from probe.report.timeline import timeline

CONTENT_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
# The id of a feed must stay the same wherever it is served (RFC 4287, 4.2.6; RFC 4151).
_TAG = "tag:probe,2026"


def incident_feed(incidents: Sequence[Incident], now: float, address: str, *, title: str) -> str:
    """The feed as XML. ``address`` is that of the pages, without a slash at its end; ``now`` is in
    seconds since 1970."""
    ET.register_namespace("", _ATOM)
    feed = ET.Element(_name("feed"))
    host = urlsplit(address).hostname or "probe"
    _text(feed, "id", f"{_TAG}:{quote(host)}:incidents")
    _text(feed, "title", title)
    _text(feed, "updated", _moment(max(map(_updated, incidents), default=now)))
    author = ET.SubElement(feed, _name("author"))
    _text(author, "name", title)
    ET.SubElement(feed, _name("link"), rel="self", href=f"{address}/incidents.atom")
    ET.SubElement(feed, _name("link"), rel="alternate", href=f"{address}/")
    for incident in incidents:
        _entry(feed, incident, address, host, now)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def _entry(feed: ET.Element, incident: Incident, address: str, host: str, now: float) -> None:
    entry = ET.SubElement(feed, _name("entry"))
    _text(entry, "id", f"{_TAG}:{quote(host)}:incident:{quote(incident.id)}")
    state = "" if incident.is_open else " (resolved)"
    _text(entry, "title", f"{incident.title}{state}")
    _text(entry, "published", _moment(incident.since))
    _text(entry, "updated", _moment(_updated(incident)))
    link = f"{address}/incidents/{quote(incident.id)}"
    ET.SubElement(entry, _name("link"), rel="alternate", href=link)
    ET.SubElement(entry, _name("category"), term=incident.severity.value)
    _text(entry, "content", "\n".join(_lines(incident, now))).set("type", "text")


def _lines(incident: Incident, now: float) -> list[str]:
    return [
        f"{incident.severity.value}, {_lasting(incident, now)}",
        *(f"{iso(each.at)} {each.text}" for each in timeline(incident)),
    ]


def _lasting(incident: Incident, now: float) -> str:
    lasted = duration(incident.duration(now))
    return f"since {lasted}" if incident.is_open else f"lasted {lasted}"


def _updated(incident: Incident) -> float:
    """The last thing that happened."""
    moments = [incident.opened, *(note.at for note in incident.notes)]
    moments += [each.fired for each in incident.alerts]
    return max([*moments, *([incident.ended] if incident.ended is not None else [])])


def _moment(seconds: float) -> str:
    return iso(seconds) or "1970-01-01T00:00:00Z"


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, _name(name))
    # Line by line: XML has no control characters, and content may have lines.
    element.text = "\n".join(map(clean, text.splitlines())) or "-"
    return element


def _name(name: str) -> str:
    return f"{{{_ATOM}}}{name}"
