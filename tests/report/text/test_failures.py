"""The table of a run has one block for one cause."""

from msgspec.structs import replace

from probe.core.causes import HINTS, Cause
from probe.core.model import Failure, Status, Verdict
from probe.report.model import Report
from probe.report.text.table import render
from tests.report.samples import health, report


def _report(*failures: tuple[str, str, Cause, str]) -> Report:
    rows = tuple(
        replace(
            health(),
            name=name,
            target=target,
            verdict=Verdict.CRITICAL,
            result=replace(
                health().result,
                check=name,
                status=Status.FAILED,
                failure=Failure("connect", cause, message, HINTS[cause]),
                facts={},
            ),
        )
        for name, target, cause, message in failures
    )
    return report(Verdict.CRITICAL, *rows, exit_code=2)


def _blocks(text: str) -> list[str]:
    return [line for line in text.splitlines() if " failed: " in line]


def test_checks_of_one_host_that_fail_for_one_cause_are_one_block() -> None:
    refused = (Cause.CONNECT_REFUSED, "a.example:443 refuses the connection")
    names = [f"check-{number}" for number in range(12)]
    text = render(
        _report(*((name, f"https://a.example/{name}", *refused) for name in names)),
        colour=False,
        width=200,
    )
    [block] = _blocks(text)
    assert all(name in block for name in names)
    assert text.count("refuses the connection") == 2, "the headline says it too"
    assert text.count("Try:") == 1


def test_another_host_or_another_cause_is_a_block_of_its_own() -> None:
    text = render(
        _report(
            ("a", "https://a.example/", Cause.CONNECT_REFUSED, "refused"),
            ("b", "https://b.example/", Cause.CONNECT_REFUSED, "refused"),
            ("c", "turn:a.example:3478", Cause.CONNECT_REFUSED, "nobody there"),
            ("d", "https://a.example/", Cause.DEADLINE, "no answer"),
        ),
        colour=False,
        width=200,
    )
    assert len(_blocks(text)) == 3
    assert "a: refused" in text
    assert "c: nobody there" in text
