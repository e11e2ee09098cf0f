"""The first step fits the cause that the check found: the page's table of causes says which."""

import re
from collections.abc import Iterator

import pytest

from alerts import runbooks
from alerts.runbooks.library import RunbookLibrary
from alerts.runbooks.template import GENERIC
from tests.alerts.samples import failing


def first_step(runbook: str, cause: str, phase: str = "", **values: object) -> str:
    alert = failing(
        runbook=runbook,
        cause=cause,
        phase=phase,
        target="turn:relay.example.org",
        labels=(("provider", "primary"), ("transport", "udp")),
    )
    return RunbookLibrary(values).steps(alert)[0]


@pytest.mark.parametrize(
    ("runbook", "cause", "phase", "words"),
    [
        ("turn-failing", "auth_rejected", "allocate", "user name, password or secret is wrong"),
        ("turn-failing", "credentials_expired", "allocate", "issue new ones"),
        ("turn-failing", "dns_failed", "dns", "does not resolve"),
        ("turn-failing", "tls_invalid", "tls", "a certificate expires soon or is not accepted"),
        ("turn-failing", "connect_refused", "connect", "`probe turn turn:relay.example.org:3478`"),
        ("turn-failing", "deadline", "allocate", "`probe turn turn:relay.example.org:3478`"),
        ("turn-failing", "allocation_quota", "allocate", "is any quota left?"),
        ("turn-failing", "relay_address_unusable", "allocate", "external-ip"),
        ("signaling-failing", "auth_rejected", "session", "JWT_SECRET"),
        ("signaling-failing", "cors_rejected", "cors", "CORS_ORIGINS"),
        ("signaling-failing", "dns_failed", "resolve", "the backend is down"),
        ("signaling-failing", "deadline", "session", "nearly always Redis"),
        ("signaling-failing", "deadline", "connect", "the backend is down"),
        ("signaling-failing", "tls_failed", "tls", "openssl s_client"),
        ("signaling-failing", "http_status", "handshake", "403: is the page's origin among"),
        ("backend-down", "cors_rejected", "cors", "CORS_ORIGINS"),
        ("frontend-down", "csp_blocked", "page", "`Content-Security-Policy`"),
        ("frontend-down", "permissions_policy_blocked", "page", "`camera=(self)"),
        ("frontend-down", "insecure_context", "page", "has to redirect to `https://`"),
        ("frontend-down", "content_type_invalid", "page", "`Content-Type: text/html`"),
        ("redis", "auth_rejected", "auth", "is it the backend's?"),
    ],
)
def test_the_first_step_is_that_of_the_cause(
    runbook: str, cause: str, phase: str, words: str
) -> None:
    assert words in first_step(runbook, cause, phase)


def _rows() -> Iterator[tuple[str, str, str]]:
    for slug in runbooks.slugs():
        for line in runbooks.page(slug).text.splitlines():
            cells = [each.strip() for each in line.strip("| ").split(" | ")]
            if line.startswith("| `") and len(cells) == 3:
                yield from ((slug, cause, cells[2]) for cause in re.findall(r"`(\w+)`", cells[0]))


@pytest.mark.parametrize(("slug", "cause", "advice"), sorted(set(_rows())))
def test_what_the_table_says_of_a_cause_begins_the_steps(
    slug: str, cause: str, advice: str
) -> None:
    first, *others = runbooks.first_steps(slug, {**GENERIC, "cause": cause})
    names_steps = re.search(r"\bsteps? \d", advice) or advice.startswith("the steps")
    assert names_steps or first.startswith(f"`{cause}` (")
    for step in (first, *others):
        assert 20 < len(step) < 500
        assert not re.search(r"[.?!]\.$", step)


def test_what_only_some_have_is_no_first_step_of_the_others() -> None:
    """A coturn of one's own is restarted; of another's server the log is all that one can ask."""
    own = first_step("turn-failing", "connection_closed")
    other = first_step("turn-failing", "connection_closed", coturn=False)
    assert "systemctl restart coturn" in own
    assert other.endswith("the server's log; restarted just now?")


@pytest.mark.parametrize(
    "text",
    ["Ask Kim.\n", "## First steps\n\nAsk Kim.\n\n## Causes\n\n| `deadline` | slow | wait |\n"],
)
def test_a_page_of_ones_own_without_numbered_steps_stays_as_it_is(text: str) -> None:
    found = runbooks.rendered(runbooks.Runbook("own", text), {**GENERIC, "cause": "deadline"})
    assert found.text == text


def test_steps_that_a_page_refers_to_keep_their_numbers() -> None:
    text = runbooks.page("signaling-failing", {**GENERIC, "cause": "auth_rejected"}).text
    steps = re.findall(r"^(\d+)\. ", text, re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert re.search(r"`auth_rejected` \| the token is refused \| step 1;", text)
