"""``probe alerts silence``: add, list and expire silences, in the shape of ``amtool silence``."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import click
from msgspec import Struct

from alerts.model import Silence
from alerts.outbox.outbox import Outbox
from alerts.silence.api_v2 import new_name
from alerts.silence.matcher import about, check_matchers
from probe.commands.settings_loading import print_problems, read_own_environment, settings_for
from probe.commands.silence.store import ApiStore, FileStore, SilenceStore, StoreError, not_used
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.model import Unit
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR
from probe.report.text import units
from probe.untrusted.text import listed

_NAMES_SHOWN = 20


class SilenceTarget(Struct, frozen=True):
    """Where to go: ``url`` of a daemon's pages (empty: its file, or this machine's daemon).
    ``force`` adds what matches nothing, or to a folder that no daemon has used."""

    url: str = ""
    force: bool = False
    lenient: bool = False


def add(
    options: Mapping[str, Any],
    place: SilenceTarget,
    matchers: Sequence[str],
    *,
    comment: str,
    author: str,
    seconds: float,
) -> int:
    """Add a silence from now on, and print what it matches."""
    now = time.time()
    try:
        check_matchers(matchers)
    except ValueError as error:
        print_problems(ConfigurationError([ConfigProblem("silence", str(error))]))
        return USAGE_ERROR
    made = Silence(new_name(), tuple(matchers), author or "unknown", comment, now, now + seconds)

    async def work(store: SilenceStore) -> int:
        known = await store.matched(made)
        if known is not None and not (known.checks or known.alerts or place.force):
            raise StoreError(_matches_nothing(matchers), refused=True)
        name, found = await store.add(made)
        click.echo(f"{name}: no notifications of {about(made.matches)} until {_moment(made.end)}")
        click.echo(f"  matches now: {_listed(found.checks, 'check')}")
        click.echo(f"  suppresses: {_listed(found.alerts, 'firing alert')}")
        if found.problem:
            text = f"probe: the silence is active, but a restart loses it: {found.problem}"
            click.echo(text, err=True)
            return OUTPUT_ERROR
        return 0

    return _with_store(options, place, work)


def show(options: Mapping[str, Any], place: SilenceTarget) -> int:
    """List silences that have not expired."""

    async def work(store: SilenceStore) -> int:
        found = await store.all()
        for each in found:
            click.echo(
                f"{each['id']}  {about(_matchers_of(each))} until {each['endsAt']}, "
                f"by {each['createdBy']}: {each['comment']}"
            )
        if not found:
            click.echo("no silences")
        return 0

    return _with_store(options, place, work)


def expire(options: Mapping[str, Any], place: SilenceTarget, names: Sequence[str]) -> int:
    """End silences by their names, or by a matcher of theirs."""

    async def work(store: SilenceStore) -> int:
        code = 0
        for name in names:
            ended = [name] if await store.expire(name) else await _by_matcher(store, name)
            for each in ended:
                click.echo(f"{each} is expired")
            if not ended:
                known = ", ".join(each["id"] for each in await store.all()) or "none"
                click.echo(f"probe: no silence {name}; there are: {known}", err=True)
                code = USAGE_ERROR
        return code

    return _with_store(options, place, work)


async def _by_matcher(store: SilenceStore, matcher: str) -> list[str]:
    """End the silences that were made with this matcher; their names."""
    found = [each["id"] for each in await store.all() if matcher in _matchers_of(each)]
    return [name for name in found if await store.expire(name)]


def _matchers_of(document: Mapping[str, Any]) -> list[str]:
    found = []
    for each in document["matchers"]:
        operator = ("=" if each["isEqual"] else "!") + ("~" if each["isRegex"] else "")
        operator = "!=" if operator == "!" else operator
        is_bare = each["name"] == "any"
        found.append(each["value"] if is_bare else f"{each['name']}{operator}{each['value']}")
    return found


def _matches_nothing(matchers: Sequence[str]) -> str:
    return (
        f"{about(matchers)} matches no check and no alert: see probe list; --force adds the "
        "silence all the same"
    )


def _listed(names: Sequence[str], noun: str) -> str:
    if not names:
        return f"no {noun}s" if noun == "check" else f"no {noun}"
    count = f"1 {noun}" if len(names) == 1 else f"{len(names)} {noun}s"
    return f"{count} ({listed(names, _NAMES_SHOWN)})"


Work = Callable[[SilenceStore], Awaitable[int]]


def _with_store(options: Mapping[str, Any], place: SilenceTarget, work: Work) -> int:
    try:
        return asyncio.run(_work(options, place, work))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except StoreError as error:
        click.echo(f"probe: {error}", err=True)
        return USAGE_ERROR if error.refused else OUTPUT_ERROR


async def _work(options: Mapping[str, Any], place: SilenceTarget, work: Work) -> int:
    own = read_own_environment(options)
    if place.url:
        return await work(ApiStore(place.url, own.web_token))
    if own.data is None:
        return await _at_this_machine(own.listen, ApiStore("", own.web_token), work)
    settings = settings_for(options)
    if not FileStore.is_used(settings):
        if not (place.force or place.lenient):
            raise not_used(settings)
        if place.lenient:
            click.echo(f"probe: warning: {not_used(settings)}", err=True)
    outbox = await Outbox.open(settings.service.data)
    try:
        if outbox.state.problem:
            raise ConfigurationError([ConfigProblem("PROBE_DATA", outbox.state.problem)])
        return await work(FileStore(outbox, settings))
    finally:
        await outbox.close()


async def _at_this_machine(listen: str, store: ApiStore, work: Work) -> int:
    """Without a folder: the daemon that listens here, if there is one."""
    port = listen.rpartition(":")[2]
    try:
        return await work(ApiStore(f"http://127.0.0.1:{port}", store.token))
    except StoreError as error:
        if error.refused or "no probe answers" not in str(error):
            raise
        problem = f"is not set, and {error}; --url asks a daemon elsewhere (fly proxy {port})"
        raise ConfigurationError([ConfigProblem("PROBE_DATA", problem)]) from None


def _moment(seconds: float) -> str:
    return units.show(seconds, Unit.TIMESTAMP)
