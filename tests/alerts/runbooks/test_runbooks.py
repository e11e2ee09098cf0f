"""Runbooks: every alert leads to a page, and what the pages say can be typed as it stands."""

import re
import shlex
import subprocess

import click
import pytest

from alerts import runbooks
from probe.cli import cli
from probe.core.causes import Cause
from probe.core.thresholds import all_signals
from probe.kinds import KINDS
from tests.fake_kind import toy_kind

SECTIONS = (
    "Impact",
    "Verify",
    "First steps",
    "Resolution",
    "Causes",
)
# Names of checks that the kinds derive; a check of one's own may have any name.
CHECKS = ("", "health", "frontend", "signaling", "turn-primary-udp", "turn-issued", "call-issued")
EXAMPLES = {"CHECK", "call-direct", "ready", *CHECKS, *(kind.name for kind in KINDS)}
KIND_BY_NAME = {kind.name: kind for kind in (*KINDS, toy_kind())}
RULES = ("failing", "no-data", "overdue", *(signal.name for signal in all_signals(KINDS)))

_FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def _text(slug: str) -> str:
    return runbooks.page(slug).text


def _spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", text))]


def _commands(slug: str) -> list[str]:
    """Everything on a page that is meant to be typed."""
    lines = [line for block in _FENCE.findall(_text(slug)) for line in block.splitlines()]
    return [line for line in [*lines, *_spans(_text(slug))] if " " in line]


def _rows(slug: str) -> list[str]:
    """The first cells of the page's tables of causes."""
    rows = [line for line in _text(slug).splitlines() if line.startswith("| `")]
    return [row.split("|")[1] for row in rows]


def _everywhere() -> set[str]:
    causes = ["", *Cause]
    return {
        runbooks.slug_for(kind, rule, cause, check=check)
        for kind in (*KINDS, toy_kind())
        for rule in RULES
        for cause in causes
        for check in CHECKS
    }


def test_every_alert_leads_to_a_page_and_every_page_is_led_to() -> None:
    assert _everywhere() == set(runbooks.slugs())


def test_every_threshold_of_a_kind_has_more_than_the_general_page() -> None:
    for kind in KINDS:
        for threshold in kind.thresholds:
            slug = runbooks.slug_for(kind, threshold.signal.name)
            assert slug != "any-check", threshold.signal.name


@pytest.mark.parametrize(
    ("kind", "rule", "cause", "check", "slug"),
    [
        ("http", "failing", "http_status", "health", "backend-down"),
        ("http", "failing", "http_status", "frontend", "frontend-down"),
        ("http", "failing", "service_down", "health", "service-down"),
        ("http", "failing", "tls_invalid", "frontend", "certificate"),
        ("http", "failing", "version_mismatch", "health", "deployment"),
        ("http", "probe_http_response_seconds", "", "health", "response-slow"),
        ("http", "probe_ssl_certificate_remaining_seconds", "", "health", "certificate"),
        ("http", "probe_http_hsts_max_age_seconds", "", "health", "promises"),
        ("signaling", "failing", "deadline", "signaling", "signaling-failing"),
        ("signaling", "probe_signaling_rtt_seconds", "", "signaling", "signaling-slow"),
        ("turn", "failing", "auth_rejected", "turn-primary-udp", "turn-failing"),
        ("turn", "failing", "hairpin_failed", "turn-primary-udp", "turn-failing"),
        ("turn", "failing", "auth_rejected", "turn-issued", "turn-issued-failing"),
        ("turn", "failing", "http_status", "", "turn-issued-failing"),
        ("turn", "probe_turn_loss_ratio", "", "turn-primary-udp", "relay-slow"),
        ("call", "failing", "ice_failed", "call-primary-udp", "call-failing"),
        ("call", "failing", "allocation_quota", "call-primary-udp", "turn-failing"),
        ("call", "failing", "ice_failed", "call-issued", "call-failing"),
        ("journey", "failing", "stranger_matched", "journey", "journey-failing"),
        ("journey", "failing", "ice_failed", "journey", "journey-failing"),
        ("resilience", "failing", "ice_failed", "resilience-call", "reconnecting"),
        ("http", "no-data", "", "health", "no-data"),
        ("turn", "no-data", "own_network", "", "probe-itself"),
        ("turn", "no-data", "rate_limited", "", "no-data"),
        ("call", "overdue", "", "", "probe-itself"),
        ("postgres", "failing", "connect_refused", "postgres", "postgres"),
        ("redis", "probe_redis_memory_bytes", "", "redis", "redis"),
        ("redis", "failing", "rate_limited", "redis", "no-data"),
        ("metered", "probe_metered_forecast_ratio", "", "metered", "quota"),
        ("toy", "failing", "connect_refused", "", "any-check"),
        ("fly", "failing", "service_down", "fly-machines", "machines-down"),
        ("fly", "probe_error_ratio", "", "fly-metrics", "errors-high"),
        ("fly", "probe_fly_crashes", "", "fly-machines", "machine-crashed"),
        ("fly", "probe_memory_used_bytes", "", "fly-metrics", "memory-high"),
        ("fly", "probe_own_pool_ratio", "", "fly-metrics", "own-query"),
        ("fly", "no-data", "auth_rejected", "fly-metrics", "no-data"),
        ("fly", "no-data", "no_data", "fly-metrics", "no-data"),
        ("app_metrics", "probe_turn_fallback_ratio", "", "app-metrics", "turn-share"),
        ("app_metrics", "probe_request_p95_seconds", "", "app-metrics", "response-slow"),
    ],
)
def test_an_alert_leads_to_what_helps(
    kind: str, rule: str, cause: str, check: str, slug: str
) -> None:
    assert runbooks.slug_for(KIND_BY_NAME[kind], rule, cause, check=check) == slug


# What security checks alone find, and their page explains.
OF_SECURITY = frozenset(
    {
        Cause.HTTPS_NOT_ENFORCED,
        Cause.HEADER_MISSING,
        Cause.FOREIGN_ORIGIN_ALLOWED,
        Cause.WEAK_TLS,
        Cause.AUTH_NOT_ENFORCED,
        Cause.RATE_LIMIT_MISSING,
        Cause.OPEN_RELAY,
        Cause.PRIVATE_PEERS_ALLOWED,
        Cause.PORT_OPEN,
        Cause.SECRET_WEAK,
        Cause.SECRET_OLD,
    }
)


@pytest.mark.parametrize("cause", sorted(OF_SECURITY))
def test_the_page_of_a_security_finding_explains_its_cause(cause: Cause) -> None:
    slug = runbooks.slug_for(KIND_BY_NAME["security"], "failing", cause)
    assert f"`{cause}`" in runbooks.page(slug).text


def test_the_page_of_a_certificate_that_ends_is_the_certificates() -> None:
    cause = Cause.CERTIFICATE_EXPIRING
    assert runbooks.slug_for(KIND_BY_NAME["security"], "failing", cause) == "certificate"


OF_PAGES = frozenset(
    {
        Cause.CONTENT_TYPE_INVALID,
        Cause.INSECURE_CONTEXT,
        Cause.CSP_BLOCKED,
        Cause.PERMISSIONS_POLICY_BLOCKED,
        Cause.MIXED_CONTENT_BLOCKED,
    }
)
OF_CALLS = set(Cause) - OF_SECURITY - OF_PAGES - {Cause.CERTIFICATE_EXPIRING}


@pytest.mark.parametrize("cause", sorted(OF_PAGES))
def test_the_page_of_a_frontend_explains_what_it_forbids_itself(cause: Cause) -> None:
    assert f"`{cause}`" in runbooks.page("frontend-down").text


@pytest.mark.parametrize("kind", ["turn", "call"])
@pytest.mark.parametrize("cause", sorted(OF_CALLS))
def test_the_page_of_a_failed_relay_or_call_explains_its_cause(kind: str, cause: Cause) -> None:
    slug = runbooks.slug_for(KIND_BY_NAME[kind], "failing", cause)
    explained = " ".join(_rows(slug))
    assert f"`{cause}`" in explained, f"{slug} says nothing of {cause}"


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_a_page_has_a_title_and_all_sections_in_their_order(slug: str) -> None:
    found = runbooks.page(slug)
    assert found.title
    assert not found.title.startswith("#")
    assert tuple(re.findall(r"^## (.+)$", found.text, re.MULTILINE)) == SECTIONS
    for section in re.split(r"^## .+$", found.text, flags=re.MULTILINE)[1:]:
        assert section.strip()


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_a_page_is_short_and_its_prose_fits_a_screen(slug: str) -> None:
    assert len(_text(slug).split()) < 1000
    assert max(len(row) for row in _text(slug).splitlines()) < 300


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_links_lead_to_pages_that_exist_or_to_https(slug: str) -> None:
    for address in _LINK.findall(_text(slug)):
        if not address.startswith("https://"):
            assert address.endswith(".md"), address
            assert address.removesuffix(".md") in runbooks.slugs()
            assert address.removesuffix(".md") != slug


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_every_cause_that_a_page_explains_exists(slug: str) -> None:
    for cell in _rows(slug):
        for word in _spans(cell):
            assert word in set(Cause), f"{slug} explains {word}"


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_signals_that_a_page_names_exist(slug: str) -> None:
    own = {"probe_loop_lag_seconds"}
    known = {signal.name for signal in all_signals(KINDS)} | own
    assert set(re.findall(r"\bprobe_[a-z0-9_]+", _text(slug))) <= known


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_every_page_has_a_command_of_the_probe_and_they_all_parse(slug: str) -> None:
    commands = [line for line in _commands(slug) if line.startswith("probe ")]
    if slug != "probe-itself":
        assert commands
    for command in commands:
        _parse(shlex.split(command)[1:])


def _parse(words: list[str]) -> None:
    """As the command line would: an unknown option, value or command raises."""
    if words == ["--version"]:
        return
    context = cli.make_context("probe", list(words))
    _, rest, _ = cli.make_parser(context).parse_args(list(words))
    if rest:
        name, command, arguments = cli.resolve_command(context, rest)
        assert command is not None, name
        command.make_context(name, arguments, parent=context)
    for check in context.params["only"]:
        assert check in EXAMPLES, check
    once = {"wait", "require", "expect_version", "expect_new_instance"}
    given = {name for name in once if context.params[name]}
    assert not given or context.params["once"], f"{given} without --once"


def test_the_parser_of_this_test_refuses_what_the_probe_refuses() -> None:
    for words in (["--onse"], ["--once", "--wait", "soon"], ["lists"]):
        with pytest.raises(click.UsageError):
            _parse(words)


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_blocks_of_commands_are_shell(slug: str) -> None:
    for block in _FENCE.findall(_text(slug)):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    for command in _commands(slug):
        if command.split()[0] in ("curl", "fly", "nc", "openssl", "psql", "redis-cli", "vercel"):
            assert shlex.split(command)


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_fly_commands_say_which_app(slug: str) -> None:
    for command in _commands(slug):
        if command.startswith("fly ") and command != "fly deploy":
            assert re.search(r" (APP|PROBE_APP)\b", command), command


@pytest.mark.parametrize("slug", runbooks.slugs())
def test_first_steps_fit_a_message(slug: str) -> None:
    steps = runbooks.first_steps(slug)
    assert 2 <= len(steps) <= 3
    for step in steps:
        assert "\n" not in step
        assert "](" not in step
        assert "**" not in step
        assert not re.match(r"\d", step)
        assert step.count("`") % 2 == 0
        assert 20 < len(step) < 500


def test_a_step_of_several_lines_is_one_and_a_link_becomes_words() -> None:
    second = runbooks.first_steps("service-down", {"services": ()})[2]
    assert "is Neon up (its status https://neonstatus.com), and can the machine reach it" in second
    assert second.endswith("there `nc -zv POSTGRES_HOST 5432`.")
    assert '"a service behind the backend is down"' in runbooks.first_steps("signaling-failing")[0]


@pytest.mark.parametrize("slug", ["", "nothing", "../model", "backend-down.md", "__init__", "."])
def test_what_is_no_page_is_not_opened(slug: str) -> None:
    with pytest.raises(KeyError):
        runbooks.page(slug)
    with pytest.raises(KeyError):
        runbooks.first_steps(slug)
