"""The check that asks each sort of hostile server."""

from pathlib import Path
from typing import Any

from probe.core.kind import Check
from probe.kinds import KINDS

DEADLINE = 20.0
HEALTHY = b'{"status":"ok","services":{}}'


def _tables(port: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Kind and keys of the check that asks each sort of server."""
    url = f"http://127.0.0.1:{port}"
    secure = f"https://127.0.0.1:{port}"
    relay = {"username": "u", "password": "password", "provider": "x"}
    fly = {"token": "FlyV1 fm2_secret-of-the-test", "org": "o", "app": "a", "prometheus_url": url}
    return {
        "postgres": ("postgres", {"url": f"postgres://u:password@127.0.0.1:{port}/d"}),
        "redis": ("redis", {"url": f"redis://127.0.0.1:{port}"}),
        "health": ("http", {"url": url, "body": "health"}),
        "app_metrics": ("app_metrics", {"url": f"{url}/metrics"}),
        "metered": ("metered", {"url": url, "secret_key": "abcdabcd"}),
        "fly-metrics": ("fly", {**fly, "part": "metrics", "machines_url": url}),
        "fly-machines": ("fly", {**fly, "part": "machines", "machines_url": url}),
        "signaling": ("signaling", {"url": url}),
        "page": ("http", {"url": url, "body": "health"}),
        "secure page": ("http", {"url": secure, "body": "health"}),
        "socket": ("signaling", {"url": url, "jwt_secret": "s" * 32}),
        "secure socket": ("signaling", {"url": secure, "jwt_secret": "s" * 32}),
        "secure redis": ("redis", {"url": f"rediss://127.0.0.1:{port}"}),
        "relay": ("allocation", {"url": f"turn:127.0.0.1:{port}?transport=tcp", **relay}),
        "secure relay": ("allocation", {"url": f"turns:127.0.0.1:{port}?transport=tcp", **relay}),
        "allocation": (
            "allocation",
            {"metered_url": url, "api_key": "abcdabcd", "provider": "metered", "way": "udp"},
        ),
    }


def check_of(
    name: str, sort: str, port: int, deadline: float = DEADLINE, ca_file: Path | None = None
) -> Check:
    """A check of this sort of server; over TLS where there is an authority to trust."""
    kind_name, keys = _tables(port)[sort]
    if ca_file is not None:
        keys = {name: _secured(value) for name, value in keys.items()} | {"ca_file": ca_file}
    kind = next(each for each in KINDS if each.name == kind_name)
    table = kind.table.model_validate({"name": name, "deadline": deadline, **keys})
    return Check(kind, table)


def _secured(value: Any) -> Any:
    secure = {"http:": "https:", "turn:": "turns:"}
    for plain, scheme in secure.items():
        if isinstance(value, str) and value.startswith(plain):
            return scheme + value.removeprefix(plain)
    return value
