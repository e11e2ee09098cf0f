"""The parameters of ``/probe``, read as blackbox_exporter reads them: of a parameter that is given
several times the first value counts, and what it doesn't know is passed over, except for what may
be a secret. Refusals have its words.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from probe.exporter.probe_target import InvalidTarget
from probe.exporter.probers.target import check_host
from probe.exporter.settings import ExporterConfig

if TYPE_CHECKING:
    from probe.exporter.modules.module import Module

SCRAPE_TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
DEFAULT_MODULE = "http_2xx"
# Without a header and without a module's own, as for blackbox_exporter.
MAX_SECONDS = 120.0
_SECRET_NAME = re.compile(
    r"(?:pass(?:word|wd)?|pwd|secret|token|api[_-]?key|authorization|credentials?|signature)$",
    re.IGNORECASE,
)
_MAX_TARGET = 2048
_TRUE = ("true", "1")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class BadRequest(Exception):
    """The request can't be answered; the text says why, and never repeats what may be secret."""


class ProbeRequest(Struct, frozen=True):
    """What is asked for; ``deadline`` is in seconds."""

    target: str
    module_name: str
    module: "Module"
    hostname: str | None
    debug: bool
    deadline: float


def read_request(
    query: Mapping[str, Sequence[str]], scrape_timeout: str | None, config: ExporterConfig
) -> ProbeRequest:
    """Read the parameters, each with all of its values. Raises BadRequest, and InvalidTarget for a
    target that has no form of one."""
    _refuse_secrets(query)
    given = {name: values[0].strip() for name, values in query.items() if values}
    name = given.get("module") or DEFAULT_MODULE
    module = config.modules.get(name)
    if module is None:
        raise BadRequest(f"Unknown module {_shown(name)}")
    target = _target(given.get("target", ""))
    return ProbeRequest(
        target,
        name,
        module,
        _hostname(given.get("hostname", "")),
        wants_debug(query),
        deadline_of(scrape_timeout, module, config.timeout_offset),
    )


def wants_debug(query: Mapping[str, Sequence[str]]) -> bool:
    """Whether the log of the run is asked for."""
    return next(iter(query.get("debug", ())), "").strip().lower() in _TRUE


def _refuse_secrets(query: Mapping[str, Sequence[str]]) -> None:
    for name in query:
        if _SECRET_NAME.search(name) or name.lower() in ("username", "user", "login"):
            raise BadRequest(
                f"Parameter {_shown(name)} is refused: credentials belong in the module, never "
                "into the query"
            )


def _target(text: str) -> str:
    if not text:
        raise BadRequest("Target parameter is missing")
    if len(text) > _MAX_TARGET or not text.isprintable() or " " in text:
        raise InvalidTarget("it is too long, or holds a blank or a control character")
    rest = text.partition("://")[2] or text
    if "@" in re.split(r"[/?#]", rest, maxsplit=1)[0] or _userinfo_in(text):
        raise BadRequest(
            "Target carries user info: credentials belong in the module, never into the query"
        )
    query = text.partition("#")[0].partition("?")[2]
    if any(_SECRET_NAME.search(key) for key, _ in parse_qsl(query, keep_blank_values=True)):
        raise BadRequest(
            "Target carries a secret in its query: credentials belong in the module, as a header"
        )
    return text


def _userinfo_in(text: str) -> bool:
    """Whether an address has user info by any reading of it: ``http:\\\\user@host``."""
    try:
        return "@" in urlsplit(text.replace("\\", "/")).netloc
    except ValueError:
        return False


def _hostname(text: str) -> str | None:
    if not text:
        return None
    try:
        return check_host(text)
    except ValueError as error:
        raise BadRequest(f'Parameter "hostname": {error}') from None


def deadline_of(scrape_timeout: str | None, module: "Module", offset: float) -> float:
    """Seconds: the module's timeout, or what the scrape leaves if that is less.

    Half of a scrape's timeout where the offset leaves nothing. Raises BadRequest.
    """
    text = (scrape_timeout or "").strip() or "0"
    # Python's own reading takes digits of every script, and underscores.
    seconds = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise BadRequest(
            f"Failed to parse timeout from Prometheus header: {_shown(scrape_timeout or '')}"
        )
    seconds = min(seconds, MAX_SECONDS) or MAX_SECONDS
    left = seconds - offset if seconds > offset else seconds / 2
    return min(left, module.timeout or left)


def _shown(text: str) -> str:
    return json.dumps(text[:80], ensure_ascii=True)
