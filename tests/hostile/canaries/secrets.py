"""Every secret variable that there is, found in the models that read them, with a canary in each.

A variable that comes with a new kind or notifier is found by itself; where none of the forms below
is accepted for it, ``environment`` says so.
"""

import base64
import html
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args
from urllib.parse import quote

from msgspec import Struct
from pydantic import SecretStr

import alerts.notifiers  # noqa: F401 - its models are found
import probe.config.settings
import probe.kinds  # noqa: F401
from probe.core.environment import ConfigurationError, Environment, Variables, read_environment

PATHS = ("SLACK_WEBHOOK", "ALERT_WEBHOOK_URL", "PROBE_HEARTBEAT_URL")
"""Whose path is as secret as a password."""
FOR_PEOPLE = ("GRAFANA_URL",)
"""Messages lead there, with the query that chooses what is shown."""
_BESIDE = {
    **{"SLACK_CHANNEL": "C0", "PROBE_WEB_USER": "ops", "ALERT_WEBHOOK_SECRET": "x"},
    **{"TURN_USERNAME": "someone", "TURN_BACKUP_USERNAME": "someone"},
}
_ADDRESS = ("_URL", "_URLS", "_ENDPOINT", "_WEBHOOK", "_DSN")


class Ports(Struct, frozen=True):
    """Of the servers that the addresses lead to."""

    http: int
    redis: int
    postgres: int
    turn: int


def _models(above: type[Environment] = Environment) -> Iterator[type[Environment]]:
    for each in above.__subclasses__():
        yield each
        yield from _models(each)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


@lru_cache(maxsize=1)
def secret_variables() -> dict[str, tuple[type[Environment], ...]]:
    """Each with the models that read it."""
    found: dict[str, tuple[type[Environment], ...]] = {}
    for model in dict.fromkeys(_models()):
        for name, field in model.model_fields.items():
            if _is_secret(field.annotation):
                alias = field.alias or name
                found[alias] = (*found.get(alias, ()), model)
    return dict(sorted(found.items()))


def canary(name: str, part: str = "") -> str:
    """What no output may hold: of letters, digits and a few signs that every token may have."""
    number = list(secret_variables()).index(name)
    return f"Canary{number:02d}{part}+q9.w8_e7"


def awkward(name: str) -> str:
    """The same with what has to be escaped somewhere."""
    return f'{canary(name)}/"<&%>'


def _candidates(name: str, ports: Ports) -> Iterator[tuple[str, frozenset[str]]]:
    """Values that the variable may take, and the canaries in each."""
    plain, query, path, hard = canary(name), canary(name, "Q"), canary(name, "P"), awkward(name)
    at, slug = f"127.0.0.1:{ports.http}", name.lower()
    login = f"user:{quote(hard, safe='')}@"
    secret_path = f"/{slug}/services/T0AAAAAA/B0AAAAAA/{path}"
    stores = {
        "DATABASE_URL": f"postgres://user:{quote(hard, safe='')}@127.0.0.1:{ports.postgres}/d",
        "REDIS_URL": f"redis://default:{quote(hard, safe='')}@127.0.0.1:{ports.redis}",
    }
    addresses = [
        (f"http://{login}{at}/{slug}?key={quote(query)}", {hard, query}),
        (f"http://{login}{at}/{slug}", {hard}),
        (f"http://{at}/{slug}", set[str]()),
    ]
    if name in stores:
        addresses = [(stores[name], {hard})]
    elif name.endswith("_DSN"):
        key = f"{name.replace('_', '')}0Canary9q8w7"
        addresses = [(f"http://{key}@{at}/7", {key})]
    elif name in FOR_PEOPLE:
        addresses = [(f"http://{login}{at}/{slug}?orgId=1", {hard})]
    elif name in PATHS:
        addresses = [(f"http://{login}{at}{secret_path}?key={quote(query)}", {hard, query, path})]
    texts = [(hard, {hard}), (plain, {plain}), (f"x-key={plain}", {plain})]
    ordered = addresses + texts if name.endswith(_ADDRESS) else texts + addresses
    yield from ((value, frozenset(canaries)) for value, canaries in ordered)


def _problems(model: type[Environment], values: dict[str, str]) -> frozenset[str]:
    try:
        read_environment(model, Variables(values))
    except ConfigurationError as error:
        return frozenset(map(str, error.problems))
    return frozenset()


def _value(name: str, ports: Ports) -> tuple[str, frozenset[str]]:
    models, beside = secret_variables()[name], _BESIDE
    for value, canaries in _candidates(name, ports):
        # What a variable is missed by is another one's mistake.
        if all(
            _problems(each, {**beside, name: value}) <= _problems(each, beside) for each in models
        ):
            return value, canaries
    raise AssertionError(f"no canary is accepted as {name}: add a form of it to _candidates")


def environment(variant: str, ports: Ports) -> tuple[dict[str, str], dict[str, str]]:
    """Variables with a canary in every secret that a configuration can have at the same time, and
    the canaries with the variable of each. ``variant`` is "webhook" or "bot"."""
    left_out = {
        "webhook": {"SLACK_BOT_TOKEN"},
        "bot": {"SLACK_WEBHOOK", "TURN_PASSWORD", "TURN_BACKUP_PASSWORD", "PROBE_SENTRY_DSN"},
    }[variant]
    values, canaries = _companions(variant, ports), dict[str, str]()
    for name in secret_variables():
        if name not in left_out:
            values[name], found = _value(name, ports)
            canaries |= dict.fromkeys(found, name)
    if variant == "bot":
        values["PROBE_SENTRY_DSN"] = "inherit"
    return values, canaries


def _companions(variant: str, ports: Ports) -> dict[str, str]:
    """What some of the secrets need besides."""
    turn = f"turn:127.0.0.1:{ports.turn}?transport=tcp"
    values = {
        **{"FLY_ORG": "o", "FLY_APP": "a", "TURN_URLS": turn, "TURN_BACKUP_URLS": turn},
        **{"CLOUDFLARE_TURN_KEY_ID": "c" * 32, "TWILIO_TURN_ACCOUNT_SID": "AC" + "0" * 32},
        **{"XIRSYS_IDENT": "i", "XIRSYS_CHANNEL": "c", "PROBE_WEB_USER": "ops"},
    }
    if variant == "webhook":
        values |= {"TURN_USERNAME": "someone", "TURN_BACKUP_USERNAME": "someone"}
    else:
        values |= {"SLACK_CHANNEL": "C0", "TURN_PROVIDER": "coturn"}
    return values


def forms(secret: str) -> set[str]:
    """A secret as it may stand in a text: escaped, and inside base64 and hexadecimal."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1]}
    found |= {raw.hex(), raw.hex().upper(), quote(quote(secret, safe=""), safe="")}
    # Inside base64, wherever it begins; the ends depend on what is next to it.
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)[4:-4]
        found |= {encoded.decode(), encoded.decode().replace("+", "-").replace("/", "_")}
    return found


def leaks(outputs: dict[str, str], canaries: dict[str, str]) -> set[tuple[str, str]]:
    """Output and variable of each canary that is somewhere, in whatever form."""
    found = set()
    for secret, name in canaries.items():
        for form in forms(secret):
            found |= {(where, name) for where, text in outputs.items() if form in text}
    return found
