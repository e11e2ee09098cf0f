"""From a module and a target to the check that is run."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from yarl import URL

from probe.core.field_types import plain_error
from probe.core.kind import Check, CheckConfig, Kind
from probe.exporter.modules.credentials import credentials_for
from probe.exporter.probe_target import HostnameConflict, InvalidTarget, ProbeTarget
from probe.exporter.probers import dns, http, icmp, socketio, tcp, websocket
from probe.exporter.probers import target as targets
from probe.exporter.probers.table import NAME, ProbeTable
from probe.kinds import allocation, call, engineio, stun, turn
from probe.stun.uri import TurnUri
from probe.turn_targets.table import TurnServerConfig


def check_for(target: ProbeTarget) -> Check:
    """The check that probes a target. Raises InvalidTarget, HostnameConflict, NotMeasured for a
    secret's file."""
    kind, keys = _BUILDERS[target.module.prober](target)
    common = {"name": NAME, "deadline": target.deadline, "ca_file": target.ca_file}
    if kind.table in (stun.StunTable,):
        common.pop("ca_file")
    try:
        return Check(kind, kind.table.model_validate({**common, **keys}))
    except ValidationError as error:
        raise InvalidTarget(plain_error(error.errors(include_url=False)[0])) from None


Built = tuple[Kind[Any, Any], dict[str, Any]]


def _http(target: ProbeTarget) -> Built:
    header = target.module.http.host_header
    if target.hostname is not None and header not in (None, target.hostname):
        raise HostnameConflict(
            f"hostname defined both in module configuration ({header}) and with URL-parameter "
            f"'hostname' ({target.hostname})"
        )
    return _own(http.KIND, targets.http_target)(target)


def _own(kind: Kind[Any, Any], read: Callable[[str], object]) -> Callable[[ProbeTarget], Built]:
    def build(target: ProbeTarget) -> Built:
        found = _read(read, target.text)
        address = found if isinstance(found, str) else target.text
        keys = {"module": target.module, "address": address, "hostname": target.hostname}
        return kind, keys

    return build


def _read(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise InvalidTarget(str(error)) from None


def _dns_target(text: str) -> tuple[str, int]:
    return targets.hostport(text, dns.PORT)


def _stun(target: ProbeTarget) -> Built:
    url = _read(targets.stun_target, target.text)
    return stun.KIND, {"url": url, "family": target.module.stun.family}


def _turn(kind: Kind[Any, Any]) -> Callable[[ProbeTarget], Built]:
    def build(target: ProbeTarget) -> Built:
        settings = target.module.turn
        url = _read(lambda text: targets.turn_target(text, settings.transport), target.text)
        keys: dict[str, Any] = {"url": url, "family": settings.family}
        if settings.echoes is not None and "echoes" in kind.table.model_fields:
            keys["echoes"] = settings.echoes
        return kind, {**keys, **_turn_credentials(target, url)}

    return build


def _turn_credentials(target: ProbeTarget, url: TurnUri) -> dict[str, Any]:
    """The module's for this host, else those of a scheduled check of the same server."""
    found = credentials_for(url.host, target.module.turn.credentials)
    if found is not None:
        secret = found.secret("shared_secret")
        if secret is not None:
            return {"shared_secret": secret}
        return {"username": found.username, "password": found.secret("password")}
    for check in target.planned:
        table = check.table
        if isinstance(table, TurnServerConfig) and _is_of(table, url):
            names = ("username", "password", "shared_secret")
            return {name: getattr(table, name) for name in names}
    return {}


def _is_of(table: TurnServerConfig, url: TurnUri) -> bool:
    if table.url is None or table.source is None:
        return False
    return table.url.host.lower() == url.host.lower()


def _socketio(target: ProbeTarget) -> Built:
    settings = target.module.socketio
    url = _read(targets.websocket_target, target.text).rstrip("/")
    keys: dict[str, Any] = {
        "url": url,
        "namespace": settings.namespace,
        "path": settings.path,
        "transport": settings.transport,
        "origin": settings.origin,
        "headers": settings.headers,
        "extra_headers": settings.extra_headers,
    }
    found = credentials_for(URL(url).host or "", settings.credentials)
    token = None if found is None else found.secret("token")
    if token is None and settings.ready_event is not None:
        # Without a token the application refuses the session, which shows that it works.
        return engineio.KIND, {**keys, "ready_event": settings.ready_event}
    return socketio.KIND, {**keys, "token": token, "confirmation": settings.ready_event}


_BUILDERS: dict[str, Callable[[ProbeTarget], Built]] = {
    "http": _http,
    "tcp": _own(tcp.KIND, targets.split_hostport),
    "dns": _own(dns.KIND, _dns_target),
    "icmp": _own(icmp.KIND, targets.check_host),
    "websocket": _own(websocket.KIND, targets.websocket_target),
    "stun": _stun,
    "turn": _turn(allocation.KIND),
    "relay": _turn(turn.KIND),
    "call": _turn(call.KIND),
    "socketio": _socketio,
}


def host_of(check: Check) -> str:
    """The host that a check contacts first."""
    table: CheckConfig = check.table
    url = getattr(table, "url", None)
    if isinstance(url, TurnUri):
        return url.host
    if isinstance(table, ProbeTable) and "://" not in table.address.get_secret_value():
        return targets.hostport(table.address.get_secret_value(), 1)[0]
    text = table.address.get_secret_value() if isinstance(table, ProbeTable) else ""
    return URL(text or str(url.get_secret_value() if url is not None else "")).raw_host or ""
