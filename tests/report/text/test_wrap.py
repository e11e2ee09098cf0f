"""What a terminal is too narrow for goes on in the next line; nothing is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from probe.report.text.status_table import status_lines
from probe.report.text.wrap import wrapped

HINT = "Check that the named service is up and that its address in the environment is right."
INCIDENT: dict[str, Any] = {
    "id": "20260101-031200-321237",
    "title": "22 checks fail: backend and TURN servers",
    "severity": "critical",
    "since": "2026-01-01T03:12:00.407000Z",
    "duration_seconds": 1440,
    "cause": "service_down",
    "checks": ["health", "ready", "signaling", "allocation-primary-udp", "turn-primary-udp"],
    "suppressed": [],
    "alerts": [{"hint": HINT}],
}
STATUS: dict[str, Any] = {
    "verdict": "critical",
    "incidents": [INCIDENT["id"]],
    "region": "lax",
    "generated_at": "2026-01-01T03:36:00.868000Z",
    "version": "0.1.0",
    "services": [],
    "announcements": [],
}


@given(st.text(alphabet="ab- 漢e\u0301", max_size=200), st.integers(10, 80), st.integers(0, 40))
def test_lines_fit_and_nothing_is_lost(text: str, width: int, column: int) -> None:
    lines = wrapped(text, width, column)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_kept_and_go_on_below_the_text() -> None:
    assert wrapped("! receivers  none is configured at all", 30, 13) == [
        "! receivers  none is",
        " " * 13 + "configured at all",
    ]
    assert wrapped("", 30) == [""]
    assert wrapped("Not set:", 30) == ["Not set:"]


@pytest.mark.parametrize("width", [60, 80])
def test_the_status_cuts_off_neither_remedy_nor_name(width: int) -> None:
    failing = {"name": "crossing", "verdict": "unknown", "failure": {"message": HINT}}
    lines = [line for line, _ in status_lines(STATUS, [INCIDENT], [failing], width=width)]
    assert max(map(len, lines)) <= width
    shown = " ".join(" ".join(lines).split())
    assert f"Try: {HINT}" in shown
    assert f"? crossing: {HINT}" in shown
    assert all(name in shown for name in INCIDENT["checks"])
    assert "since 2026-01-01T03:12:00Z (24 min)" in shown
