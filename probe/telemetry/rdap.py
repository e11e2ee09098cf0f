"""When a domain's registration ends, asked from its registry by RDAP (RFC 9082, 9083).

The registry's server comes from IANA's bootstrap file (RFC 9224), or from the configuration.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import NotMeasured
from probe.telemetry.api_client import ApiAnswer, ApiClient

# IANA's file has some 70 kB; a domain's object with its contacts some 10.
MAX_BYTES = 1 << 20
MAX_REDIRECTS = 3
BOOTSTRAP_SECONDS = 86400.0
_NOT_FOUND = 404
_HEADERS = {"Accept": "application/rdap+json, application/json"}
_SERVER_HINT = "name the registry's server as rdap_url of the check"


class Registration(Struct, frozen=True):
    """A registered domain: the name that the registry knows, when it expires in seconds since 1970,
    the registry's status words (RFC 8056), and the registrar, empty where it is not said."""

    domain: str
    expires: float
    status: tuple[str, ...]
    registrar: str


async def registration_of(
    domain: str, context: Context, *, server: str, bootstrap: str, ca_file: Path | None
) -> Registration:
    """Ask about a domain in its ASCII form; of a name below a registered one, about that one.

    ``server`` is an RDAP server's base address, empty for that of ``bootstrap``. Raises
    NotMeasured, with no_data where the registry knows no such domain or doesn't say when it
    expires.
    """
    base = server or await _server_of(domain, bootstrap, context, ca_file)
    client = _client("the registry's RDAP server", base, context, ca_file)
    for name in _registrable(domain):
        answer = await client.get(f"/domain/{name}", max_redirects=MAX_REDIRECTS)
        if answer.status != _NOT_FOUND:
            return _read(name, await _document(client, answer))
    raise NotMeasured(Cause.NO_DATA, f"the registry knows no domain {domain}")


def _registrable(domain: str) -> Iterator[str]:
    """The name, and those above it but for the top: which one is registered only the registry
    knows."""
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        yield ".".join(labels[start:])


def _client(name: str, base: str, context: Context, ca_file: Path | None) -> ApiClient:
    return ApiClient(name, base.rstrip("/"), context.clock, _HEADERS, MAX_BYTES, ca_file)


async def _document(client: ApiClient, answer: ApiAnswer) -> Mapping[str, Any]:
    if not 200 <= answer.status < 300:
        raise client.refused(answer)
    found = await client.document(answer)
    if not isinstance(found, dict):
        raise NotMeasured(Cause.BODY_INVALID, f"{client.name} answers no JSON object")
    return found


async def _server_of(domain: str, bootstrap: str, context: Context, ca_file: Path | None) -> str:
    """The base address for a domain by the bootstrap file, which is kept for a day."""
    kept: dict[str, tuple[float, list[Any]]] = context.get_or_create(("rdap bootstrap",), dict)
    now = context.clock()
    if bootstrap not in kept or now - kept[bootstrap][0] > BOOTSTRAP_SECONDS:
        client = _client("the RDAP bootstrap file", bootstrap, context, ca_file)
        answer = await client.get("", max_redirects=MAX_REDIRECTS)
        services = (await _document(client, answer)).get("services")
        if not isinstance(services, list):
            raise NotMeasured(Cause.BODY_INVALID, f"{client.name} has no list of services")
        kept[bootstrap] = (now, services)
    found = dict(_services(kept[bootstrap][1]))
    labels = domain.split(".")
    for start in range(len(labels)):
        if server := found.get(".".join(labels[start:])):
            return server
    message = f"no RDAP server is known for .{labels[-1]}"
    raise NotMeasured(Cause.NO_DATA, message, hint=_SERVER_HINT)


def _services(entries: list[Any]) -> Iterator[tuple[str, str]]:
    """Each domain of the bootstrap file with one address, over TLS where there is one."""
    for entry in entries:
        if not isinstance(entry, list) or len(entry) < 2 or not isinstance(entry[1], list):
            continue
        urls = [url for url in entry[1] if isinstance(url, str) and url.startswith("http")]
        urls.sort(key=lambda url: not url.startswith("https:"))
        for name in entry[0] if urls and isinstance(entry[0], list) else ():
            if isinstance(name, str):
                yield name.lower(), urls[0]


def _read(domain: str, document: Mapping[str, Any]) -> Registration:
    events = document.get("events")
    dates = [
        each.get("eventDate")
        for each in (events if isinstance(events, list) else ())
        if isinstance(each, dict) and each.get("eventAction") == "expiration"
    ]
    if not dates:
        message = f"the registry does not say when {domain} expires"
        raise NotMeasured(Cause.NO_DATA, message)
    status = document.get("status")
    problem = (
        tuple(each for each in status if isinstance(each, str))
        if status is not None and isinstance(status, list)
        else ()
    )
    return Registration(domain, _moment(dates[0], domain), problem[:20], _registrar(document))


def _moment(text: object, domain: str) -> float:
    """RFC 3339, in seconds since 1970; a time without a zone is UTC."""
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        message = f"the registry's date for the end of {domain} can't be read"
        raise NotMeasured(Cause.BODY_INVALID, message) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _registrar(document: Mapping[str, Any]) -> str:
    """The formatted name of the entity whose role it is (jCard, RFC 7095)."""
    entities = document.get("entities")
    for entity in entities if isinstance(entities, list) else ():
        if not isinstance(entity, dict) or "registrar" not in (entity.get("roles") or ()):
            continue
        card = entity.get("vcardArray")
        lines = card[1] if isinstance(card, list) and len(card) > 1 else ()
        for line in lines if isinstance(lines, list) else ():
            if isinstance(line, list) and len(line) > 3 and line[0] == "fn":
                return str(line[3])[:100]
    return ""
