"""``probe annotate``: note a deployment or another event."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import click
from pydantic import ValidationError

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
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.history.incidents.store import new_id
from probe.report.json.fields import printed
from probe.web.api import documents
from probe.web.api.requests import NewAnnotation


def run(
    options: Mapping[str, Any], text: str, parts: Mapping[str, Any], *, as_json: bool, url: str
) -> int:
    """Add an annotation; 64 for a wrong call, 74 if it could not be stored."""
    try:
        own = read_own_environment(options)
        new = _new(text, parts)
        return asyncio.run(_add(own, new, as_json=as_json, url=url))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except ClientError as error:
        return print_client_error(error)


def _new(text: str, parts: Mapping[str, Any]) -> NewAnnotation:
    given = {
        "text": text,
        "kind": parts["kind"],
        "time": parts["at"],
        "end": parts["end"],
        "link": parts["link"],
        "commit": parts["commit"],
        "author": parts["author"],
        "tags": list(parts["tags"]),
    }
    try:
        return NewAnnotation.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        raise ConfigurationError(
            ConfigProblem(
                f"annotate {'.'.join(map(str, each['loc']))}".strip(),
                each["msg"].removeprefix("Value error, "),
            )
            for each in error.errors(include_input=False, include_url=False)
        ) from None


async def _add(own: ProbeEnvironment, new: NewAnnotation, *, as_json: bool, url: str) -> int:
    if own.data is not None and not url:
        return await _to_file(own, new, as_json=as_json)
    client = client_for(own, url)
    otherwise = None if url else lambda: _to_file(own, new, as_json=as_json)
    return await either(lambda: _to_daemon(client, new, as_json=as_json), otherwise)


async def _to_daemon(client: ProbeClient, new: NewAnnotation, *, as_json: bool) -> int:
    body = json.loads(new.model_dump_json(exclude_defaults=True))
    _print_annotation(await client.post("/annotations", body), as_json=as_json)
    return 0


async def _to_file(own: ProbeEnvironment, new: NewAnnotation, *, as_json: bool) -> int:
    now = time.time()
    found = new.annotation(new_id(now), now)
    async with incident_files(own.data) as incidents:
        if not await incidents.put_annotation(found):
            raise ClientError(f"{own.data} can't be written: the annotation was not stored")
    _print_annotation(json.loads(documents.annotation(found).model_dump_json()), as_json=as_json)
    return 0


def _print_annotation(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(printed(found, indent=None), nl=False)
    else:
        click.echo(f"{found['id']}: {found['kind']} at {found['time']}: {found['text']}")
