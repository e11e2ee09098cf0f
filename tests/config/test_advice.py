"""What is configured and will do nothing is a warning of check-config and at the start."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS
from tests.command import probe

# Without a notifier there would be a warning of it next to each of these.
BACKEND = {"BACKEND_URL": "https://app.example", "ALERTMANAGER_URLS": "http://am.example:9093"}
DSN, OWN = "https://key@theirs.example/1", "https://key@ours.example/2"


def warnings(environ: Mapping[str, str], folder: Path | None = None, toml: str = "") -> str:
    own = {}
    if folder is not None:
        (folder / "probe.toml").write_text(toml)
        own = {"PROBE_CONFIG": str(folder / "probe.toml")}
    found = load_settings(KINDS, {**environ, **own}, env_file=None).warnings
    return "\n".join(each for each in found if not each.startswith("no notifier is configured"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("PROBE_LISTN", "PROBE_LISTEN"),
        ("PROBE_HEARTBEAT", "PROBE_HEARTBEAT_URL"),
        ("SLACK_WEBHOK", "SLACK_WEBHOOK"),
        ("SLACK_TOKEN", "SLACK_BOT_TOKEN"),
        ("SLACK_WEBHOOK_URL", "SLACK_WEBHOOK"),
        ("SLACK_WEBHOOK_URL_FILE", "SLACK_WEBHOOK"),
        ("PAGERDUTY_EVENTS_ROUTING_KEY", "PAGERDUTY_ROUTING_KEY"),
        ("PAGERDUTY_KEY", "PAGERDUTY_ROUTING_KEY"),
        ("PAGERDUTY_ROUTING_KEY_FIL", "PAGERDUTY_ROUTING_KEY"),
        ("ALERTMANAGER_URL", "ALERTMANAGER_URLS"),
        ("BACKEND_ULR", "BACKEND_URL"),
        ("TURN_URL", "TURN_URLS"),
    ],
)
def test_a_variable_that_is_nearly_one_of_ours_is_reported(wrong: str, right: str) -> None:
    assert warnings({**BACKEND, wrong: "x"}) == (
        f"{wrong} (environment) is not read: did you mean {right}?"
    )


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "DATABASE_USER", "REDIS_HOST", "PORT", "NODE_ENV", "CORS_ORIGINS",
     "SENTRY_DSN", "JWT_REFRESH_SECRET", "FLY_MACHINE_ID", "SLACK_WEBHOOK_FILE",
     "PROBE_SERVICE_HOST",
     "PROBE_PORT_9091_TCP_ADDR", "PROBE_SECRETS_DIR", "TURN_REALM"],
)  # fmt: skip
def test_what_others_read_is_not(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("https://hooks.example/x")
    value = tmp_path if name.endswith("_DIR") else tmp_path / "x"
    assert warnings({**BACKEND, name: str(value)}) == ""


def test_an_empty_variable_counts_as_not_set() -> None:
    assert warnings({**BACKEND, "PROBE_LISTN": ""}) == ""


def test_routes_and_windows_that_match_nothing_and_receivers_that_are_not_configured(
    tmp_path: Path,
) -> None:
    toml = """
[[route]]
matches = ["helth"]
notify = ["slack"]

[[route]]
matches = ["health"]
notify = ["pagerduty"]

[[route]]
notify = ["slack"]

[[maintenance]]
name = "cutover"
reason = "announced"
matches = ["kind=tunr"]

[[maintenance]]
name = "weekly"
reason = "announced"
matches = ["signal*"]
weekdays = ["tue"]
"""
    slack = {**BACKEND, "SLACK_WEBHOOK": "https://hooks.example/x"}
    toml = toml.replace('matches = ["kind=tunr"]', 'matches = ["kind=tunr"]\nweekdays = ["tue"]')
    assert warnings(slack, tmp_path, toml).splitlines() == [
        "[[route]] entry 1 matches no check: helth",
        '[[maintenance]] "cutover" matches no check: kind=tunr',
        "[[route]] entry 2 leads to pagerduty, which is not configured: alerts are not sent there",
    ]


async def test_check_config_says_first_what_is_not_monitored_and_then_warns(
    tmp_path: Path,
) -> None:
    variables = {"TURN_URLS": "turn:a", "TURN_USERNAME": "u", "TURN_PASSWORD": "p",
                 "PAGERDUTY_KEY": "x"}  # fmt: skip
    done = await probe("check-config", cwd=tmp_path, env=variables)
    assert done.code == 0, done.err
    first, *others = done.out.splitlines()
    assert first.startswith("BACKEND_URL is not set: the backend is not monitored (no http,")
    assert "signaling" in first
    warned = "PAGERDUTY_KEY (environment) is not read: did you mean PAGERDUTY_ROUTING_KEY?"
    assert f"Warning: {warned}" in others
    whole = await probe("check-config", cwd=tmp_path, env={**variables, **BACKEND})
    assert "BACKEND_URL is not set" not in whole.out


@pytest.mark.parametrize(
    ("environ", "dsn"),
    [
        ({"SENTRY_DSN": DSN}, None),
        ({"SENTRY_DSN": "no address at all"}, None),
        ({"SENTRY_DSN": DSN, "PROBE_SENTRY_DSN": OWN}, OWN),
        ({"SENTRY_DSN": DSN, "PROBE_SENTRY_DSN": "inherit"}, DSN),
        ({"PROBE_SENTRY_DSN": OWN}, OWN),
    ],
)
def test_the_application_s_sentry_is_used_only_where_that_is_said(
    environ: dict[str, str], dsn: str | None
) -> None:
    found = load_settings(KINDS, {**BACKEND, **environ}, env_file=None).service.sentry_dsn
    assert (found.get_secret_value() if found else None) == dsn


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"PROBE_SENTRY_DSN": "inherit"}, "needs SENTRY_DSN"),
        ({"PROBE_SENTRY_DSN": "inherit", "SENTRY_DSN": "nothing"}, "SENTRY_DSN: it is no"),
        ({"PROBE_SENTRY_DSN": "nothing"}, "PROBE_SENTRY_DSN"),
    ],
)
def test_a_wrong_address_of_sentry_is_a_mistake(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        load_settings(KINDS, {**BACKEND, **environ}, env_file=None)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("probe_http_response_seconds.warning = 500", "far from the default of 1: it is in second"),
        ("probe_ssl_certificate_remaining_seconds.warning = 14", "it is in seconds"),
        ("probe_http_response_seconds.warning = 3", ""),
        ("probe_http_response_seconds.objective = 500", "far from the default of"),
        ("probe_duration_seconds.warning = 500", ""),
        ("probe_success.warning = 0", ""),
    ],
)
def test_a_limit_in_another_unit_is_reported(tmp_path: Path, limit: str, words: str) -> None:
    toml = f'[[http]]\nname = "a"\nurl = "https://a.example/"\n[http.thresholds]\n{limit}\n'
    found = warnings(BACKEND, tmp_path, toml)
    assert words in found if words else found == ""


def test_a_share_in_per_cent_is_reported(tmp_path: Path) -> None:
    toml = (
        '[[turn]]\nname = "a"\nprovider = "eu"\nurl = "turn:turn.example"\n'
        "thresholds.probe_turn_loss_ratio = { warning = 5, critical = 20 }\n"
    )
    found = warnings(BACKEND, tmp_path, toml).splitlines()
    assert found == [
        "a: probe_turn_loss_ratio: warning = 5 is never reached: shares are from 0 to 1. "
        "Write 0.05 for 5 %",
        "a: probe_turn_loss_ratio: critical = 20 is never reached: shares are from 0 to 1. "
        "Write 0.2 for 20 %",
    ]
