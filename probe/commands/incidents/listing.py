"""``probe incidents``: list incidents, export one, add a note."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from probe.commands.atomic_file import write_file
from probe.commands.incidents.client import (
    ClientError,
    ProbeClient,
    client_for,
    either,
    print_client_error,
)
from probe.commands.incidents.files import incident_files
from probe.commands.settings_loading import print_problems, read_own_environment
from probe.config.probe_environment import ProbeEnvironment
from probe.core.environment import ConfigurationError
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.history.incidents.model import Acknowledgement, Note
from probe.history.incidents.store import IncidentHistory, new_id
from probe.report.json.fields import printed
from probe.report.markdown import incident_markdown
from probe.report.text.sanitize import clean
from probe.report.text.time_format import duration
from probe.web.api import documents

_EVER = 2.0**40

Work = Callable[[], Awaitable[int]]


def show(
    options: Mapping[str, Any],
    *,
    state: str,
    since: float | None,
    limit: int,
    as_json: bool,
    url: str,
) -> int:
    """List incidents, newest first."""
    start = time.time() - since if since is not None else 0.0
    lasts = {"open": True, "resolved": False, "all": None}[state]

    async def from_daemon(client: ProbeClient) -> int:
        moment = f"{documents.moment(start):%Y-%m-%dT%H:%M:%SZ}"
        query = {"state": state, "limit": str(limit), "since": moment}
        _list(await client.get("/incidents", query), as_json=as_json)
        return 0

    async def from_file(incidents: IncidentHistory) -> int:
        now = time.time()
        found = await incidents.list(start, _EVER, most=limit, lasts=lasts)
        total = await incidents.count(start, _EVER, lasts=lasts)
        items = [json.loads(documents.incident(each, now).model_dump_json()) for each in found]
        _list({"items": items, "total": total, "limit": limit, "offset": 0}, as_json=as_json)
        return 0

    return _run(options, url, from_daemon, from_file)


def export(options: Mapping[str, Any], incident: str, output: Path | None, *, url: str) -> int:
    """Print an incident as Markdown."""

    async def from_daemon(client: ProbeClient) -> int:
        return _write(await client.text(f"/incidents/{_part(incident)}/export"), output)

    async def from_file(incidents: IncidentHistory) -> int:
        found = await incidents.get(incident)
        if found is None:
            raise ClientError(_unknown(incident), refused=True)
        return _write(incident_markdown(found, time.time()), output)

    return _run(options, url, from_daemon, from_file)


def note(
    options: Mapping[str, Any], incident: str, text: str, *, author: str, public: bool, url: str
) -> int:
    """Add a note to an incident."""
    author = author or "unknown"

    async def to_daemon(client: ProbeClient) -> int:
        body = {"text": text, "author": author, "public": public}
        answer = await client.post(f"/incidents/{_part(incident)}/notes", body)
        click.echo(f"{answer['id']}: noted")
        return 0

    async def to_file(incidents: IncidentHistory) -> int:
        now = time.time()
        made = Note(new_id(now), now, author, text, public)
        store = partial(incidents.put_note, incident, made)
        return await _store(incidents, incident, store, "noted")

    return _run(options, url, to_daemon, to_file)


def acknowledge(
    options: Mapping[str, Any], incident: str, *, author: str, comment: str, url: str
) -> int:
    """Acknowledge an incident."""
    author = author or "unknown"

    async def to_daemon(client: ProbeClient) -> int:
        body = {"author": author, "comment": comment}
        await client.post(f"/incidents/{_part(incident)}/acknowledgements", body)
        click.echo(f"{incident}: acknowledged by {author}")
        return 0

    async def to_file(incidents: IncidentHistory) -> int:
        found = Acknowledgement(time.time(), author, comment)
        message = f"acknowledged by {author}"
        store = partial(incidents.acknowledge, incident, found)
        return await _store(incidents, incident, store, message)

    return _run(options, url, to_daemon, to_file)


async def _store(
    incidents: IncidentHistory, incident: str, store: Callable[[], Awaitable[bool]], message: str
) -> int:
    if await incidents.get(incident) is None:
        raise ClientError(_unknown(incident), refused=True)
    if not await store():
        raise ClientError("PROBE_DATA can't be written: nothing was stored")
    click.echo(f"{incident}: {message}")
    return 0


def _run(
    options: Mapping[str, Any],
    url: str,
    with_daemon: Callable[[ProbeClient], Awaitable[int]],
    with_file: Callable[[IncidentHistory], Awaitable[int]],
) -> int:
    try:
        own = read_own_environment(options)
        return asyncio.run(_either(own, url, with_daemon, with_file))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except ClientError as error:
        return print_client_error(error)


async def _either(
    own: ProbeEnvironment,
    url: str,
    with_daemon: Callable[[ProbeClient], Awaitable[int]],
    with_file: Callable[[IncidentHistory], Awaitable[int]],
) -> int:
    """PROBE_DATA where it is set, unless a daemon is named; else this machine's daemon."""

    async def from_file() -> int:
        async with incident_files(own.data) as incidents:
            return await with_file(incidents)

    if own.data is not None and not url:
        return await from_file()
    client = client_for(own, url)
    return await either(lambda: with_daemon(client), None if url else from_file)


def _list(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(printed(found, indent=None), nl=False)
        return
    for each in found["items"]:
        lasted = duration(each["duration_seconds"])
        when = f"for {lasted}, it lasts" if each["state"] == "open" else f"lasted {lasted}"
        click.echo(f"{each['id']}  {each['severity']:8}  {each['since']}  {when}")
        click.echo(f"  {clean(each['title'])}")
    more = found["total"] - len(found["items"])
    if more > 0:
        click.echo(f"and {more} more: --limit shows them")
    if not found["items"]:
        click.echo("no incidents")


def _write(text: str, output: Path | None) -> int:
    if output is None:
        click.echo(text, nl=False)
        return 0
    return 0 if write_file(output, text) else OUTPUT_ERROR


def _part(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def _unknown(incident: str) -> str:
    return f"there is no incident {incident}: probe incidents lists them"
