"""Canaries: no secret of the configuration is in any output, whatever a target repeats."""

import asyncio
import base64
import html
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from probe.config.settings import Settings, load_settings
from probe.core.context import Context
from probe.diagnostics.redact import Redactor
from probe.kinds import KINDS
from probe.metrics.exporter import Exporter, expose
from probe.once import OnceOptions, run_once
from probe.report.ci.github import summary
from probe.report.formats import FORMATS, Style
from tests.hostile.servers import Behaviour, serving

CANARIES = {
    "password": "pass/CANARY+z9y8&x7",
    "query": "tokenCANARYq1w2e3",
    "fly": "fm2_CANARYlJPECAAAAAA",
    "metered_api": "apikeyCANARY55aa66",
    "metered_secret": "secretCANARY77bb88",
    "turn_password": 'turn"CANARY"<k3>',
    "jwt_secret": "jwtCANARY-0123456789abcdef0123456789",
    "redis": "redisCANARYr3d1s",
    "postgres": "pgCANARYp0st",
}


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), html.escape(secret), json.dumps(secret)[1:-1]}
    found |= {raw.hex(), quote(quote(secret, safe=""), safe="")}
    # Inside base64, wherever it begins; the ends depend on what stands beside it.
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        found.add(encoded[4:-4])
    return found


def _said(head: str, body: bytes) -> str:
    """Everything that was asked with, in every way that frameworks repeat it."""
    asked = head + body.decode("utf-8", "replace")
    logins = [
        base64.b64decode(line.partition("Basic ")[2]).decode()
        for line in head.split("\r\n")
        if line.lower().startswith("authorization: basic ")
    ]
    everything = " ".join((asked.replace("\r\n", " "), *logins, *CANARIES.values()))
    again = (quote(everything), html.escape(everything), everything.encode().hex())
    return " ".join((everything, *again, base64.b64encode(everything.encode()).decode()))


def _answer(mode: str, said: str) -> bytes:
    first = said[:60_000]
    document = {
        "status": first[:300],
        "error": first,
        "message": first,
        "version": first[:200],
        "services": {first[:400]: "down", **dict.fromkeys(CANARIES.values(), "down")},
        "instance": {"id": CANARIES["password"]},
        "accessToken": CANARIES["jwt_secret"],
    }
    body = json.dumps(document).encode()
    status, more = {
        "echoing": (200, ""),
        "refusing": (401, ""),
        "failing": (503, ""),
        "redirecting": (302, f"Location: /{quote(CANARIES['query'])}?{quote(first[:300])}\r\n"),
    }[mode]
    head = f"HTTP/1.1 {status} {first[:100]}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1", "replace") + body


def _echo(mode: str) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = head.lower().partition("content-length:")[2].split("\r\n")[0].strip()
            body = await reader.readexactly(int(length)) if length else b""
            writer.write(_answer(mode, _said(head, body)))
            await writer.drain()

    return behave


def _settings(port: int) -> Settings:
    at, password = f"127.0.0.1:{port}", quote(CANARIES["password"], safe="")
    environment = {
        "BACKEND_URL": f"http://user:{password}@{at}",
        "APP_METRICS_URL": f"http://{at}/metrics?token={CANARIES['query']}",
        "FLY_API_TOKEN": CANARIES["fly"],
        "FLY_ORG": "o",
        "FLY_APP": "a",
        "FLY_PROMETHEUS_URL": f"http://{at}/prom",
        "FLY_MACHINES_URL": f"http://{at}",
        "METERED_URL": f"http://{at}",
        "METERED_API_KEY": CANARIES["metered_api"],
        "METERED_SECRET_KEY": CANARIES["metered_secret"],
        "JWT_SECRET": CANARIES["jwt_secret"],
        "TURN_URLS": f"turn:{at}?transport=tcp",
        "TURN_USERNAME": "someone",
        "TURN_PASSWORD": CANARIES["turn_password"],
        "REDIS_URL": f"redis://default:{CANARIES['redis']}@{at}",
        "DATABASE_URL": f"postgres://u:{CANARIES['postgres']}@{at}/d",
    }
    return load_settings(KINDS, environment, alone=True)


async def _outputs(settings: Settings) -> dict[str, str]:
    context = Context(redact=Redactor(settings.secrets).clean)
    options = OnceOptions(deadline=3.0)
    report = await run_once(settings.plan, options, context=context)
    exporter = Exporter(region="x")
    exporter.set_checks(settings.plan.checks)
    for row in report.rows:
        exporter.observe(row.result)
    from prometheus_client import CollectorRegistry

    style = Style(colour=False, width=200)
    found = {name: form(report, style) for name, form in FORMATS.items()}
    found["summary"] = summary(report)
    found["metrics"] = expose(exporter, CollectorRegistry(), None)[0].decode()
    return found


@pytest.mark.parametrize("mode", ["echoing", "refusing", "failing", "redirecting", "down"])
async def test_no_canary_is_in_any_output(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if mode == "down":
        found = await _outputs(_settings(1))
    else:
        async with serving(_echo(mode)) as port:
            found = await _outputs(_settings(port))
    shown = {
        (name, where)
        for where, text in found.items()
        for name, secret in CANARIES.items()
        for form in _forms(secret)
        if form in text
    }
    assert shown == set()
    assert all(len(text) > 100 for text in found.values())
