"""The whole lab: knobs by name, the variables that point to it, and its end."""

import asyncio
import os
import ssl
import time
from dataclasses import fields

import aiohttp
import pytest

from probe.config.settings import load_settings
from probe.kinds import KINDS
from probe.lab import Lab
from probe.lab.knobs import BackendKnobs, TurnKnobs
from tests.lab.turn.callers import Caller, bearer

QUICK = 3.0
"""Seconds within which the lab has ended, whatever goes on."""

GOOD: list[tuple[str, str, object]] = [
    ("backend.status", "503", 503),
    ("backend.postgres", "hangs", "hangs"),
    ("backend.latency", "0.25", 0.25),
    ("backend.latency", "2", 2.0),
    ("backend.silent", "true", True),
    ("backend.silent", "False", False),
    ("backend.signaling", " no_reply ", "no_reply"),
    ("backend.version", "2.0.0", "2.0.0"),
    ("backend.version", "none", "none"),
    ("backend.uptime", "3", 3.0),
    ("backend.uptime", "none", None),
    ("primary.error", "486", 486),
    ("primary.error", "None", None),
    ("primary.relayed_address", "192.0.2.1", "192.0.2.1"),
    ("primary.relayed_address", "none", None),
    ("backup.loss", "0.5", 0.5),
]

WRONG = [
    ("backend.status", "ill", "number"),
    ("backend.status", "1.5", "number"),
    ("backend.status", "", "number"),
    ("backend.status", "none", "number"),
    ("backend.latency", "nan", "number"),
    ("backend.latency", "inf", "number"),
    ("backend.postgres", "gone", "up|down|hangs"),
    ("backend.postgres", "UP", "up|down|hangs"),
    ("backend.silent", "yes", "true|false"),
    ("backend.uptime", "long", "number|none"),
    ("primary.error", "all", "number|none"),
    ("turn.hairpin", "1", "true|false"),
]


def is_there(path: str) -> bool:
    """Whether there is such a file or folder."""
    return os.path.exists(path)


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_knob_takes_what_its_type_says(name: str, text: str, value: object) -> None:
    lab = Lab()
    lab.set_knob(name, text)
    part, _, knob = name.partition(".")
    found = getattr(getattr(lab, part).knobs, knob)
    assert (found, type(found)) == (value, type(value))


def test_turn_turns_both_relays_and_each_can_be_turned_alone() -> None:
    lab = Lab()
    lab.set_knob("turn.delay", "0.5")
    lab.set_knob("backup.delay", "0.1")
    assert (lab.primary.knobs.delay, lab.backup.knobs.delay) == (0.5, 0.1)


@pytest.mark.parametrize(("name", "text", "takes"), WRONG)
def test_a_wrong_value_names_the_knob_and_what_it_takes(name: str, text: str, takes: str) -> None:
    lab = Lab()
    with pytest.raises(ValueError, match="is not ") as caught:
        lab.set_knob(name, text)
    what = f"one of {takes}" if "|" in takes else f"a {takes}"
    assert str(caught.value) == f"{name}: '{text}' is not {what}"
    assert (lab.backend.knobs, lab.primary.knobs) == (BackendKnobs(), TurnKnobs())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("status", "status: knobs begin with backend, primary, backup, turn"),
        ("front.status", "front.status: knobs begin with"),
        ("", ": knobs begin with"),
        ("backend", "backend: no such knob; backend has status, postgres"),
        ("backend.stats", "backend.stats: no such knob; backend has status, postgres"),
        ("backend.__class__", "backend.__class__: no such knob"),
        ("turn.status", "turn.status: no such knob; turn has error, silent"),
    ],
)
def test_a_knob_that_there_is_not_is_reported_with_those_that_are(name: str, message: str) -> None:
    with pytest.raises(ValueError, match="knob") as caught:
        Lab().set_knob(name, "1")
    assert str(caught.value).startswith(message)


def test_the_names_are_all_knobs_with_what_they_take_and_start_as() -> None:
    names = Lab.knob_names()
    expected = [f"backend.{field.name}" for field in fields(BackendKnobs)]
    expected += [f"turn.{field.name}" for field in fields(TurnKnobs)]
    assert [name for name, _, _ in names] == expected
    for row in [
        ("backend.status", "number", "200"),
        ("backend.postgres", "up|down|hangs", "up"),
        ("backend.hsts", "true|false", "true"),
        ("backend.uptime", "number|none", "none"),
        ("backend.version", "text", "1.0.0"),
        ("turn.relayed_address", "text|none", "none"),
    ]:
        assert row in names


def test_every_knob_takes_the_value_that_it_starts_with() -> None:
    lab = Lab()
    for name, _, start in Lab.knob_names():
        lab.set_knob(name, start)
    assert lab.backend.knobs == BackendKnobs()
    assert lab.primary.knobs == lab.backup.knobs == TurnKnobs()


async def test_the_variables_are_there_only_while_the_lab_is_up(leaks: None) -> None:
    lab = Lab()
    with pytest.raises(RuntimeError, match="not up"):
        lab.environment()
    async with lab:
        ca_file = lab.environment()["PROBE_CA_FILE"]
        assert is_there(ca_file)
    assert not is_there(os.path.dirname(ca_file))
    with pytest.raises(RuntimeError, match="not up"):
        lab.environment()


async def test_the_probe_reads_the_variables_and_finds_everything_to_watch(leaks: None) -> None:
    async with Lab() as lab:
        environment = lab.environment()
        plan = load_settings(KINDS, environment, alone=True).plan
        assert environment["BACKEND_URL"] == environment["FRONTEND_URL"] == lab.backend.url
        assert environment["TURN_URLS"].split(",") == lab.primary.urls() == lab.backend.turn_urls
        assert environment["TURN_BACKUP_URLS"].split(",") == lab.backup.urls()
    watched = {check.kind.name for check in plan.checks}
    of_relays = {"allocation", "turn", "call", "crossing", "fallback"}
    of_backend = {"http", "engineio", "signaling", "app_metrics", "resilience", "security"}
    assert watched == of_backend | of_relays
    # What is no part of the lab is named, so that nobody takes it for green; and nobody's
    # plan pays for what runs here, so there is no budget to keep.
    skipped = {skip.kind for skip in plan.skipped}
    assert watched | skipped == {kind.name for kind in KINDS} - {"budget"}
    assert all(isinstance(value, str) and value for value in environment.values())


async def test_the_secrets_are_the_backends_own_and_new_each_time() -> None:
    one, other = Lab(), Lab()
    async with one, other:
        variables, others = one.environment(), other.environment()
    for name in ("JWT_SECRET", "TURN_SHARED_SECRET", "TURN_PASSWORD", "TURN_BACKUP_PASSWORD"):
        assert variables[name] != others[name]
    assert variables["JWT_SECRET"] == one.backend.tokens.jwt_secret
    assert variables["TURN_SHARED_SECRET"] == one.backend.tokens.turn_secret


@pytest.mark.parametrize("valid", [True, False])
async def test_the_relays_show_the_certificate_that_was_asked_for(leaks: None, valid: bool) -> None:
    async with Lab(certificate="valid" if valid else "untrusted") as lab:
        context = ssl.create_default_context(cafile=lab.environment()["PROBE_CA_FILE"])
        secure = next(url for url in lab.primary.urls() if url.startswith("turns:"))
        port = int(secure.partition("?")[0].rpartition(":")[2])
        connecting = asyncio.open_connection("127.0.0.1", port, ssl=context)
        if not valid:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connecting
            return
        _, writer = await connecting
        writer.close()
        await writer.wait_closed()


async def test_the_lab_ends_quickly_while_clients_are_connected_and_requests_hang(
    leaks: None,
) -> None:
    async with aiohttp.ClientSession() as http:
        async with Lab() as lab:
            client = Caller(http)
            auth = {"token": bearer(lab.backend, "alice", time.time())}
            await client.connect(lab.backend, auth)
            await client.hears("connected")
            await client.join()
            lab.set_knob("backend.postgres", "hangs")
            asking = asyncio.create_task(http.get(f"{lab.backend.url}/health"))
            await asyncio.wait([asking], timeout=0.05)
            began = time.monotonic()
        assert time.monotonic() - began < QUICK
        await client.is_closed()
        await asyncio.gather(asking, return_exceptions=True)
        await client.hang_up()


async def test_the_lab_ends_when_its_user_fails(leaks: None) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Lab() as lab:
            raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="not up"):
        lab.environment()
