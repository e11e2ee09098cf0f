"""Ages and weakness of secrets, which are remembered by fingerprint alone."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.kinds.security.ages import FILE, remembered, weakness_of
from tests.kinds.security.looking import found, look, passed, text_of

DAY = 86400.0
NOW = 1_767_225_600.0
STRONG = "q8Zt3vN0rLx7Pp2WmK5sYd9HcB1fJg4TqXeR6uVa"
KNOWN = {"JWT_SECRET": STRONG, "TURN_PASSWORD": "short-but-issued"}


def daemon(at: float) -> Context:
    return Context(now=lambda: at, repeats=True)


async def test_a_date_that_was_given_counts(tmp_path: Path) -> None:
    dates = {"JWT_SECRET": date(2025, 6, 1)}
    result = await look("secrets", daemon(NOW), secrets=KNOWN, dates=dates)
    cause, evidence, fix = found(result)
    assert cause is Cause.SECRET_OLD
    assert evidence == "JWT_SECRET is 214 days old, 90 are allowed"
    assert "PROBE_SECRET_DATES" in fix
    assert STRONG not in text_of(result)


async def test_without_a_date_a_secret_is_as_old_as_its_fingerprint(tmp_path: Path) -> None:
    async def at(days: float, **secrets: str) -> Any:
        table = {"secrets": secrets, "memory": tmp_path}
        return await look("secrets", daemon(NOW + days * DAY), **table)

    assert passed(await at(0, JWT_SECRET=STRONG))
    assert passed(await at(89, JWT_SECRET=STRONG))
    cause, evidence, _ = found(await at(91, JWT_SECRET=STRONG))
    assert cause is Cause.SECRET_OLD
    assert "at least 91 days" in evidence
    assert passed(await at(92, JWT_SECRET=STRONG[::-1]))  # rotated
    stored = (tmp_path / FILE).read_text()
    assert STRONG not in stored
    assert STRONG[::-1] not in stored
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


async def test_a_single_run_reads_the_memory_and_does_not_write_it(tmp_path: Path) -> None:
    once = Context(now=lambda: NOW)
    result = await look("secrets", once, secrets=KNOWN, memory=tmp_path)
    assert result.failure is None
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("damage", ["", "{", '{"salt": "zz"}', '{"salt": "00", "secrets": 3}'])
def test_an_unreadable_memory_file_is_recreated(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE).write_text(damage)
    assert remembered(tmp_path, KNOWN, NOW, True) == {"JWT_SECRET": NOW, "TURN_PASSWORD": NOW}
    assert json.loads((tmp_path / FILE).read_text())["secrets"]["JWT_SECRET"]["since"] == NOW


def test_a_folder_that_can_not_be_written_costs_the_memory_alone(tmp_path: Path) -> None:
    assert remembered(tmp_path / "none", KNOWN, NOW, True)["JWT_SECRET"] == NOW


def test_the_same_secret_has_another_fingerprint_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        remembered(tmp_path / folder, KNOWN, NOW, True)
    first, second = (
        json.loads((tmp_path / folder / FILE).read_text())["secrets"]["JWT_SECRET"]["fingerprint"]
        for folder in ("a", "b")
    )
    assert first != second


async def test_a_weak_key_is_found_and_not_repeated() -> None:
    result = await look("secrets", secrets={"JWT_SECRET": "hunter2hunter2"})
    cause, evidence, fix = found(result)
    assert cause is Cause.SECRET_WEAK
    assert "JWT_SECRET has 14 characters" in evidence
    assert "hunter2" not in text_of(result)
    assert "openssl rand" in fix


@pytest.mark.parametrize(
    ("secret", "weak"),
    [
        (STRONG, False),
        ("a" * 64, True),
        ("change-me-change-me-change-me-change-me", True),
        ("your-secret-key-your-secret-key-your-secret", True),
        ("x" * 31, True),
    ],
)
def test_what_can_be_guessed(secret: str, weak: bool) -> None:
    assert bool(weakness_of(secret)) is weak


def test_a_secret_is_hashed_once_in_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bytes] = []
    scrypt = hashlib.scrypt

    def counting(password: bytes, **rest: Any) -> bytes:
        hashed.append(password)
        return scrypt(password, **rest)

    monkeypatch.setattr(hashlib, "scrypt", counting)
    for day in range(3):
        remembered(tmp_path, KNOWN, NOW + day * DAY, True)
    assert sorted(hashed) == sorted(value.encode() for value in KNOWN.values())
    remembered(tmp_path, {"JWT_SECRET": STRONG[::-1]}, NOW, True)  # rotated
    assert len(hashed) == len(KNOWN) + 1


def test_a_secret_that_is_not_utf_8_is_remembered(tmp_path: Path) -> None:
    assert remembered(tmp_path, {"JWT_SECRET": "\udcff" * 40}, NOW, True) == {"JWT_SECRET": NOW}
