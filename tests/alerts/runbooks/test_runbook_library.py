"""Runbooks of a configuration: its own names, steps that fit the cause, own pages."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.model import Alert
from alerts.notification.message import MessageContext
from alerts.notification.template import MAX_STEP
from alerts.runbooks.library import RunbookLibrary
from alerts.state.annotations import failing
from probe.config.settings import Settings, load_settings
from probe.core.causes import Cause
from probe.core.environment import ConfigurationError
from probe.core.model import Failure, Status
from probe.kinds import KINDS
from tests.daemon.running import daemon
from tests.fake_kind import result_of

STAGING = {
    "BACKEND_URL": "https://user:secret@staging.example",
    "FLY_APP": "staging-app",
    "TURN_PROVIDER": "coturn",
    "TURN_HOST": "turn.staging.example",
    "TURN_SHARED_SECRET": "s",
    "REDIS_URL": "redis://default:secret@cache.staging.example:6379",
    "DATABASE_URL": "postgres://u:secret@db.staging.example/app?sslmode=require",
}
UPSTASH = {**STAGING, "REDIS_URL": "rediss://default:x@eu1.upstash.io:6379"}
WITH_BACKUP = {**STAGING, "TURN_BACKUP_URLS": "turn:b", "TURN_BACKUP_SHARED_SECRET": "s"}
BARE = {name: value for name, value in STAGING.items() if name != "FLY_APP"}


def settings_of(environ: Mapping[str, str], folder: Path | None = None, toml: str = "") -> Settings:
    if folder is None:
        return load_settings(KINDS, environ, env_file=None, alone=True)
    (folder / "probe.toml").write_text(toml)
    own = {"PROBE_CONFIG": str(folder / "probe.toml")}
    return load_settings(KINDS, {**environ, **own}, env_file=None)


def alert_of(settings: Settings, name: str, cause: Cause, message: str = "it fails") -> Alert:
    [check] = [each for each in settings.plan.checks if each.name == name]
    result = result_of(name, Status.FAILED)
    failure = Failure("body", cause, message, "try")
    return failing(check, replace(result, failure=failure), "lax")


def steps(environ: Mapping[str, str], name: str, cause: Cause, message: str = "x") -> str:
    settings = settings_of(environ)
    return "\n".join(settings.alerting.runbooks.steps(alert_of(settings, name, cause, message)))


@pytest.mark.parametrize("environ", [STAGING, BARE, UPSTASH, WITH_BACKUP, {}])
def test_no_page_names_an_application_that_is_not_configured(environ: Mapping[str, str]) -> None:
    library = settings_of({**environ, "TURN_URLS": "turn:x", "TURN_USERNAME": "u",
                           "TURN_PASSWORD": "p"}).alerting.runbooks  # fmt: skip
    for slug, _ in library.titles():
        found = library.page(slug)
        assert found is not None
        assert not re.search(r"paircam", found.text)
        assert ":secret@" not in found.text
        assert "{{" not in found.text
        assert "{%" not in found.text


def test_steps_name_the_configured_app_and_addresses() -> None:
    said = steps(STAGING, "health", Cause.CONNECT_REFUSED)
    assert "--app staging-app" in said
    page = settings_of(STAGING).alerting.runbooks.page("backend-down")
    assert page is not None
    assert "curl -sS -m 10 -w '\\n%{http_code} %{time_total} s\\n' https://staging.example/" in (
        page.text
    )


def test_a_page_that_is_kept_out_is_asked_for_by_its_origin() -> None:
    environ = {**STAGING, "FRONTEND_URL": "https://www.staging.example/start/"}
    said = steps(environ, "signaling", Cause.CORS_REJECTED).splitlines()[0]
    assert "-H 'Origin: https://www.staging.example' 'https://staging.example/socket.io/" in said


def test_without_fly_no_step_is_a_command_of_fly_s() -> None:
    for name, cause in (("health", Cause.CONNECT_REFUSED), ("signaling", Cause.DEADLINE)):
        said = steps(BARE, name, cause)
        assert said
        assert "fly " not in said


@pytest.mark.parametrize(
    ("services", "inside", "outside"),
    [
        ("redis is down", "redis-cli", "Postgres"),
        ("redis, pubsub are down", "redis-cli", "Postgres"),
        ("postgres is down", "nc -zv db.staging.example 5432", "Redis"),
        ("pubsub is down", "its pub/sub clients don't reconnect", "Postgres"),
        ("staging answers 503: redis is down", "redis-cli", "Postgres"),
    ],
)
def test_steps_fit_the_service_that_is_down(services: str, inside: str, outside: str) -> None:
    said = steps(STAGING, "health", Cause.SERVICE_DOWN, services)
    assert inside in said
    assert outside not in said
    assert "Which one is it?" not in said


def test_hosted_services_are_named_only_where_they_are_used() -> None:
    for name in ("redis", "postgres"):
        said = steps(STAGING, name, Cause.CONNECT_REFUSED)
        assert not re.search("Upstash|Neon", said)
    assert "Upstash" in steps(UPSTASH, "redis", Cause.CONNECT_REFUSED)
    assert "Neon" not in steps(UPSTASH, "redis", Cause.CONNECT_REFUSED)


def test_a_backup_is_offered_only_where_there_is_one_and_coturn_needs_the_provider_too() -> None:
    name = "allocation-primary-udp"
    assert "backup" not in steps(STAGING, name, Cause.CONNECT_REFUSED)
    page = settings_of(WITH_BACKUP).alerting.runbooks.page("turn-failing")
    assert page is not None
    assert "TURN_PROVIDER=managed --app staging-app" in page.text
    managed = {**WITH_BACKUP, "TURN_PROVIDER": "managed", "TURN_URLS": "turn:a",
               "TURN_USERNAME": "u", "TURN_PASSWORD": "p"}  # fmt: skip
    del managed["TURN_HOST"], managed["TURN_SHARED_SECRET"]
    page = settings_of(managed).alerting.runbooks.page("turn-failing")
    assert page is not None
    assert "TURN_BACKUP_…" in page.text
    assert "TURN_PROVIDER" not in page.text.partition("## Resolution")[0]
    assert "coturn" not in page.text.partition("## First steps")[2].partition("## Resolution")[0]


@pytest.mark.parametrize("environ", [STAGING, UPSTASH, WITH_BACKUP, BARE])
def test_no_step_is_cut_in_a_message(environ: Mapping[str, str]) -> None:
    """The command that asks for a WebSocket was sent as `cH…=websocket'`."""
    longest = {"BACKEND_URL": f"https://{'long-name.' * 6}example.org"}
    settings = settings_of({**environ, **longest})
    for check in settings.plan.checks:
        for cause in Cause:
            result = result_of(check.name, Status.FAILED)
            failure = Failure("body", cause, "it fails", "try")
            alert = failing(check, replace(result, failure=failure), "lax")
            for step in settings.alerting.runbooks.steps(alert):
                assert len(step) <= MAX_STEP, step


@pytest.mark.parametrize(("port", "asked"), [("", 5432), (":6543", 6543), (":5432", 5432)])
def test_postgres_is_asked_at_the_port_of_its_address(port: str, asked: int) -> None:
    url = f"postgres://u:secret@db.staging.example{port}/app?sslmode=require"
    environ = {**STAGING, "DATABASE_URL": url}
    said = steps(environ, "health", Cause.SERVICE_DOWN, "postgres is down")
    assert f"nc -zv db.staging.example {asked}" in said


def test_steps_match_the_cause_and_are_renumbered() -> None:
    name = "allocation-primary-udp"
    refused = steps(STAGING, name, Cause.CONNECT_REFUSED)
    assert "systemctl restart coturn" in refused
    assert "`probe turn turn:turn.staging.example:3478`" in refused
    assert "password or secret is wrong" in steps(STAGING, name, Cause.AUTH_REJECTED)
    for slug, _ in settings_of(BARE).alerting.runbooks.titles():
        page = settings_of(BARE).alerting.runbooks.page(slug)
        assert page is not None
        section = page.text.partition("## First steps")[2].partition("\n## ")[0]
        numbers = [int(found) for found in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1)), slug
        assert not re.search(r"^\d+\. *$", section, re.MULTILINE)


def test_an_own_runbook_by_address_replaces_ours_and_its_steps(tmp_path: Path) -> None:
    toml = '[[signaling]]\nname = "signaling"\nrunbook = "https://wiki.example/signaling"\n'
    settings = settings_of(STAGING, tmp_path, toml)
    alert = alert_of(settings, "signaling", Cause.DEADLINE)
    context = MessageContext("lax", "https://probe.example", runbooks=settings.alerting.runbooks)
    assert dict(context.links(alert.runbook))["runbook"] == "https://wiki.example/signaling"
    assert settings.alerting.runbooks.steps(alert) == ()
    other = alert_of(settings, "health", Cause.CONNECT_REFUSED)
    link = dict(context.links(other.runbook))["runbook"]
    assert link == "https://probe.example/runbooks/backend-down"


def test_an_own_runbook_by_file_is_a_template_too_and_is_listed_first(tmp_path: Path) -> None:
    (tmp_path / "redis.md").write_text(
        "# Our Redis\n\n## First steps\n\n1. Call the {{ check }} team of {{ app }}.\n"
        "2. {% if fits('auth_rejected') %}Never.{% endif %}\n3. Look at {{ redis_host }}.\n"
    )
    toml = '[[redis]]\nname = "redis"\nrunbook = "redis.md"\n'
    settings = settings_of(STAGING, tmp_path, toml)
    alert = alert_of(settings, "redis", Cause.DEADLINE)
    library: RunbookLibrary = settings.alerting.runbooks
    assert library.steps(alert) == (
        "Call the redis team of staging-app.",
        "Look at cache.staging.example.",
    )
    assert library.titles()[0] == ("check-redis", "Our Redis")
    context = MessageContext("lax", "https://probe.example", runbooks=library)
    link = dict(context.links(alert.runbook))["runbook"]
    assert link == "https://probe.example/runbooks/check-redis"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "can't read runbook own.md: No such file or directory"),
        ("# T\n\n{{ nothing }}\n", "'nothing' is undefined"),
        ("# T\n\n{% if %}\n", "runbook own.md: line 1"),
        ("# T\n\n{{ ''.__class__.__mro__ }}\n", "unsafe"),
        (b"# T\n\xff\xfe", "is not Markdown text"),
    ],
)
def test_an_own_runbook_that_can_t_be_used_is_a_mistake(
    tmp_path: Path, text: str | bytes | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "own.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    toml = '[[redis]]\nname = "redis"\nrunbook = "own.md"\n'
    with pytest.raises(ConfigurationError, match=re.escape(problem)) as caught:
        settings_of(STAGING, tmp_path, toml)
    assert 'check "redis"' in str(caught.value)


async def test_the_daemon_lists_its_runbooks_and_serves_them(tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("# Our page\n\nRead <b>this</b> of {{ host }}.\n")
    toml = '[[http]]\nname = "page"\nurl = "http://127.0.0.1:1/"\nrunbook = "own.md"\n'
    (tmp_path / "probe.toml").write_text(toml)
    async with daemon(tmp_path, {"FLY_APP": "staging-app"}) as running:
        code, listed = await running.get("/runbooks/")
        assert code == 200
        assert 'href="/runbooks/check-page">Our page</a>' in listed
        assert 'href="/runbooks/backend-down"' in listed
        code, own = await running.get("/runbooks/check-page")
        assert (code, "&lt;b&gt;this&lt;/b&gt; of HOST." in own) == (200, True)
        assert "--app staging-app" in (await running.get("/runbooks/backend-down"))[1]
        assert (await running.get("/runbooks/check-nothing"))[0] == 404
