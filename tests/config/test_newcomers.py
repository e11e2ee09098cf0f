"""What somebody writes who sets this up for the first time is answered with the place and the
remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.kinds import KINDS

PAGE = '[[http]]\nname = "a"\nurl = "http://127.0.0.1:9/"\n'


def said(folder: Path, *, env: str | bytes | None = None, toml: str | bytes | None = None) -> str:
    """What is wrong with these files."""
    for name, text in ((".env", env), ("probe.toml", toml)):
        if text is not None:
            (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    variables = {"PROBE_CONFIG": str(folder / "probe.toml")} if toml is not None else {}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(KINDS, variables, env_file=folder / ".env")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("//example.org", "write https://example.org"),
        ("http:/example.org", "write https://example.org"),
        ("https:example.org", "write https://example.org"),
        ("http:/localhost:3000", "write http://localhost:3000"),
        ("https://example.org'", "quote"),
        ("https://[::1", "not a web address"),
        ("https://[::1]]:80", "web address"),
        ("https://example.org:99999", "port"),
    ],
)
@pytest.mark.parametrize("name", ["FRONTEND_URL", "BACKEND_URL", "GRAFANA_URL"])
def test_an_address_that_is_cut_or_torn(
    tmp_path: Path, name: str, written: str, remedy: str
) -> None:
    text = said(tmp_path, env=f"{name}={written}\n")
    assert name in text
    assert remedy in text


@pytest.mark.parametrize(
    "line",
    [
        "FRONTEND_URL: http://127.0.0.1:9",
        "set FRONTEND_URL=http://127.0.0.1:9",
        "setx FRONTEND_URL http://127.0.0.1:9",
        "declare FRONTEND_URL=http://127.0.0.1:9",
        "- FRONTEND_URL=http://127.0.0.1:9",
        "FRONTEND_URL http://127.0.0.1:9",
    ],
)
def test_a_line_of_another_language_is_named(tmp_path: Path, line: str) -> None:
    text = said(tmp_path, env=f"# mine\nOTHER=1\n{line}\n")
    assert "line 3" in text
    assert "write FRONTEND_URL=VALUE" in text


def test_a_line_of_others_that_can_t_be_read_is_theirs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("nonsense line\nOTHER: 1\nFRONTEND_URL=http://127.0.0.1:9\n")
    settings = load_settings(KINDS, {"PROBE_CONFIG": ""}, env_file=tmp_path / ".env")
    assert [check.name for check in settings.plan.checks] == ["frontend"]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('interval = "5m"', "times are in seconds"),
        ('interval = "5 m"', "times are in seconds"),
        ('max_body_bytes = "1 GB"', "sizes in bytes"),
        ("status = 200", "[brackets]"),
        ("intervall = 5", '"interval"'),
        ('ca_file = "~/nope.pem"', "PEM file"),
    ],
)
def test_a_key_with_a_value_of_another_kind(tmp_path: Path, line: str, remedy: str) -> None:
    text = said(tmp_path, toml=f"{PAGE}{line}\n")
    assert line.partition(" ")[0] in text
    assert remedy in text


@pytest.mark.parametrize("name", ["a b", "", "A", "-a", "a" * 64])
def test_a_name_that_no_label_can_have(tmp_path: Path, name: str) -> None:
    toml = f'[[http]]\nname = "{name}"\nurl = "http://127.0.0.1:9/"\n'
    assert "lowercase letters, digits" in said(tmp_path, toml=toml)


def test_a_file_that_is_no_text_is_named_without_a_number_of_python(tmp_path: Path) -> None:
    text = said(tmp_path, toml=PAGE.encode("utf-16"))
    assert text.endswith("can't be read: it is UTF-16 text: save it as UTF-8")


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.toml").write_text(PAGE)
    settings = load_settings(KINDS, {"PROBE_CONFIG": "~/mine.toml"}, env_file=None)
    assert [check.name for check in settings.plan.checks] == ["a"]


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("interval = true", 'key "interval"'),
        ("deadline = false", 'key "deadline"'),
        ("hold = true", 'key "hold"'),
        ("max_redirects = true", 'key "max_redirects"'),
        ("thresholds.probe_http_response_seconds.warning = true", 'warning"'),
        ("thresholds.probe_http_response_seconds.window = false", 'window"'),
    ],
)
def test_true_is_no_number(tmp_path: Path, keys: str, place: str) -> None:
    (tmp_path / "probe.toml").write_text(PAGE + keys + "\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(KINDS, {"PROBE_CONFIG": str(tmp_path / "probe.toml")}, env_file=None)
    (mistake,) = raised.value.problems
    assert mistake.problem == "write a number, not true or false"
    assert place in mistake.place


def test_true_is_true_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(PAGE + "enabled = true\n")
    environ = {"PROBE_CONFIG": str(tmp_path / "probe.toml")}
    (check,) = load_settings(KINDS, environ, env_file=None).plan.checks
    assert check.table.enabled


def probe(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, with nothing set but this."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    return subprocess.run(
        [sys.executable, "-m", "probe", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=120,
    )


def test_nothing_to_check_names_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("frontend_url=http://127.0.0.1:9\nBACKEND_ULR=http://x.org\n")
    done = probe(tmp_path, "check-config")
    assert done.returncode == USAGE_ERROR
    assert b"did you mean FRONTEND_URL?" in done.stderr
    assert b"did you mean BACKEND_URL?" in done.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_that_lacks_our_signs_shows_the_rest(tmp_path: Path, encoding: str) -> None:
    variables = {"FRONTEND_URL": "http://127.0.0.1:2", "PYTHONIOENCODING": encoding}
    done = probe(tmp_path, "--once", PYTHONUTF8="0", **variables)
    assert done.returncode == 2, done.stderr
    assert b"connect_refused" in done.stdout


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("TURN_SERVER=turn:relay.example.org", b"did you mean TURN_URLS?"),
        ("ICE_SERVERS=[]", b"did you mean TURN_URLS?"),
        ("STUN_URL=stun:stun.example.org", b"did you mean TURN_URLS?"),
        ('{"FRONTEND_URL": "http://127.0.0.1:9"}', b".env: is JSON: write NAME=VALUE"),
        ('[[http]]\nname = "a"', b".env: is TOML: name it with PROBE_CONFIG=.env"),
        ('TURN_URLS=["turn:127.0.0.1"]', b"write URLs with blanks between them, without brackets"),
        ("TURN_URLS=turn:127.0.0.1;transport=udp", b"write ?transport=udp at the end of a URL"),
        ("TURN_URLS=relay.example.org:3478", b"write turn:relay.example.org:3478"),
        ("SLACK_WEBHOOK=#alerts", b"is not a web address: write it like https://example.org"),
        ("APP_METRICS_URL=/metrics", b"is a path alone: write https://HOST/metrics"),
        ("METERED_APP=My App", b"must be lowercase letters, digits and dashes"),
    ],
)
def test_what_other_programs_take_for_a_variable(tmp_path: Path, line: str, remedy: bytes) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    done = probe(tmp_path, "check-config")
    assert (done.returncode, remedy in done.stderr) == (USAGE_ERROR, True), done.stderr


def test_servers_without_credentials_are_named_because_browsers_refuse_them(
    tmp_path: Path,
) -> None:
    done = probe(tmp_path, "check-config", TURN_URLS="turn:127.0.0.1 turns:127.0.0.1")
    assert done.returncode == 0
    for way in ("udp", "tls"):
        assert f"Warning: turn-primary-{way}: has no credentials" in done.stdout.decode()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["run"], b"`probe` runs as a daemon"),
        (["check"], b"`probe check-config` validates"),
        (["help"], b"`probe --help`"),
        (["https://example.org"], b"FRONTEND_URL=URL is a page"),
        (["--once", "--url", "x"], b"FRONTEND_URL=URL is a page"),
        (["--config", "x"], b"PROBE_CONFIG names the file"),
        (["alerts", "check"], b"No such command 'check'. Known are"),
        (["check-confg"], b"check-config"),
    ],
)
def test_a_command_of_other_programs_is_answered_with_ours(
    tmp_path: Path, words: list[str], remedy: bytes
) -> None:
    done = probe(tmp_path, *words)
    assert (done.returncode, remedy in done.stderr) == (USAGE_ERROR, True), done.stderr
