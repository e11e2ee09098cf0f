"""A secret that stands where something else belongs is not repeated."""

from pathlib import Path

import pytest

from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS
from tests.config.test_newcomers import PAGE, said

SECRET = "aB3dE6gH9kL2nP5rS8"


@pytest.mark.parametrize(
    ("toml", "remedy"),
    [
        (
            f'[[turn]]\nname = "t"\nurl = "turn:127.0.0.1"\npassword_from = "{SECRET}"\n',
            'key "password_from": names no variable that is set: write its name here',
        ),
        (
            f'[[discovery]]\nkind = "http"\nurl = "http://127.0.0.1"\ntoken_from = "{SECRET}"\n',
            'key "token_from": names no variable that is set',
        ),
        (
            f'{PAGE}[modules.m]\nprober = "http"\nhttp.bearer_token_from = "{SECRET}"\n',
            "names no variable that is set",
        ),
        (f'[[turn]]\nname = "t"\nurl = "turn:{SECRET}@127.0.0.1"\n', "does not belong in the URL"),
        (f'{PAGE}bearer = "{SECRET}"\n', 'key "bearer": unknown key'),
        (PAGE.replace("http://127.0.0.1:9/", SECRET), "write it like https://example.org"),
        (PAGE.replace("http://", f"ftp://u:{SECRET}@"), "write http://127.0.0.1:9/"),
    ],
)
def test_a_secret_in_the_file_is_not_repeated(tmp_path: Path, toml: str, remedy: str) -> None:
    text = said(tmp_path, toml=toml)
    assert remedy in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("JWT_SECRET_FILE", SECRET, "names no file that is there"),
        ("SLACK_WEBHOOK", f"xoxb-{SECRET}", "write it like https://example.org"),
        ("SLACK_WEBHOOK", f"/services/T00/B00/{SECRET}", "is a path alone"),
        ("SLACK_WEBHOOK", f"hooks.slack.com/services/T00/B00/{SECRET}", "has no scheme"),
        ("SLACK_WEBHOOK", f"https://hooks.slack.com/services/T0/{SECRET} x", "holds a blank"),
        ("PROBE_SECRET_DATES", f"A=2026-01-01,JWT_SECRET={SECRET}", "entry 2 is not NAME="),
        ("PROBE_SENTRY_DSN", SECRET, "write it like"),
        ("DATABASE_URL", SECRET, "write "),
        ("BACKEND_URL", f"https://u:{SECRET}@exa mple.org", "holds a blank"),
    ],
)
def test_a_secret_in_a_variable_is_not_repeated(name: str, value: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(KINDS, {name: value, "FRONTEND_URL": "http://127.0.0.1:9"}, env_file=None)
    assert remedy in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_variable_s_name_that_is_not_set_is_named(tmp_path: Path) -> None:
    toml = '[[turn]]\nname = "t"\nurl = "turn:127.0.0.1"\npassword_from = "TURN2_PASSWORD"\n'
    assert 'key "password_from": TURN2_PASSWORD is not set' in said(tmp_path, toml=toml)


def test_the_host_of_an_address_is_shown_however_long_its_labels_are() -> None:
    host = "paircam-backend-20260101-staging.fly.dev"
    with pytest.raises(ConfigurationError, match=f"'{host}' has no scheme"):
        load_settings(KINDS, {"BACKEND_URL": host}, env_file=None)


def test_a_folder_s_name_that_no_file_system_takes_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="the name is too long"):
        load_settings(KINDS, {"PROBE_DATA": f"/{'x' * 5000}"}, env_file=None)
