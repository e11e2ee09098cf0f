"""Secrets leave every text that is shown, and nothing else does."""

import base64
import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.diagnostics.redact import MASK, Redactor

# Shapes of the secrets that a configuration holds; none was ever valid.
SECRETS = {
    "jwt_secret": "f3b1c0d9e8a74b6f9d2c5e1a7b8c9d0e",
    "turn_password": "Zx9!kq/2+Lm=pw",
    "quotes": 'it\'s "so" <secret>\\now',
    "umlauts": "geheimnisträger-ß",
    "short": "hx7q",
    "api_key": "2b9a6f31c4e8d7a05f1e",
    "fly": "FlyV1 fm2_lJPECAAAAAAAnot+a/real=,fm2_second",
    "bot": "xoxb-not-a-real-token",
    "heartbeat": "/ping/5a3f1c2e-0b7d-4e8a-9c6f-d1e2f3a4b5c6",
}


def small(quoted: str) -> str:
    """The same with ``%2f`` for ``%2F``."""
    return re.sub("%..", lambda match: match.group().lower(), quoted)


CARRIERS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: f"wrong password {secret}, it says",
    "in brackets": lambda secret: f"({secret})",
    "quoted": lambda secret: f"GET /x/{quote(secret, safe='')} failed",
    "quoted in small letters": lambda secret: f"x {small(quote(secret, safe=''))}",
    "as a form": lambda secret: f"a=1&b={quote_plus(secret)}&c=2",
    "user info": lambda secret: f"no answer from redis://default:{secret}@redis.example.org:6379/0",
    "query": lambda secret: f"https://example.org/a?x={secret}",
    "basic": lambda secret: f"Basic {base64.b64encode(f'probe:{secret}'.encode()).decode()}",
    "json": lambda secret: json.dumps({"a": f"b {secret}"}),
    "repr": lambda secret: repr([f"b {secret}"]),
    "header": lambda secret: f"Authorization: Bearer {secret}",
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS.keys())
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_known_secret_is_nowhere_to_be_found(secret: str, carrier: Callable[[str], str]) -> None:
    cleaned = Redactor(SECRETS.values()).clean(carrier(secret))
    assert MASK in cleaned or "://" in cleaned
    for form in forms(secret):
        assert form not in cleaned


def forms(secret: str) -> set[str]:
    """What a secret may look like in an output."""
    basic = base64.b64encode(f"probe:{secret}".encode()).decode()
    quoted = {quote(secret, safe=""), quote_plus(secret)}
    return {secret, basic, *quoted, json.dumps(secret)[1:-1], repr(secret)[1:-1]}


@pytest.mark.parametrize("user", ["a", "ab", "abc"])
def test_a_secret_inside_base64_without_a_name_is_found(user: str) -> None:
    secret = SECRETS["jwt_secret"]
    encoded = base64.b64encode(f"{user}:{secret}".encode()).decode()
    cleaned = Redactor([secret]).clean(f"sent {encoded}.")
    assert MASK in cleaned
    # What is left of it besides the user's name is less than one character.
    assert len(cleaned.removeprefix("sent ").replace(MASK, "")) <= len(user) * 4 / 3 + 6


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@example.org/path?query#part", "https://example.org/path"),
        ("https://example.org/path.", "https://example.org/path."),
        ("https://0123abcd@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/42"),
        ("postgres://u:pa/ss?w#rd@db.example.org/x", "postgres://db.example.org/x"),
        ("redis://a:b@one,redis://c:d@two", "redis://one,redis://two"),
        ("https://a/?next=https://u:p@b/c&k=1 later", "https://a/ later"),
        ("http://proxy:3128/http://u:p@example.org/", "http://proxy:3128/http://example.org/"),
        ("https://[::1]:9091/a", "https://[::1]:9091/a"),
        ("turn:turn.example.org:3478?transport=udp", "turn:turn.example.org:3478?transport=udp"),
        ("Bearer abc.def", f"Bearer {MASK}"),
        ("a Bearer token is missing", "a Bearer token is missing"),
        ("Basic dTpw", f"Basic {MASK}"),
        ("Basic authentication is on", "Basic authentication is on"),
        ("Authorization: Digest abc", f"Authorization: Digest {MASK}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abc_-9", MASK),
        ("at eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c, later", f"at {MASK}, later"),
        (r"line\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c", rf"line\n{MASK}"),
        (
            "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX",
            f"https://hooks.slack.com/services/{MASK}",
        ),
        ("/services/T00000000/B00000000/XXXXXXXX", f"/services/{MASK}"),
        ("/services/health", "/services/health"),
        ("FlyV1 fm2_abc,fm2_def", f"FlyV1 {MASK}"),
        ("token fm2_abcdef", f"token {MASK}"),
        ("/socket.io/?token=abc&EIO=4", f"/socket.io/?token={MASK}&EIO=4"),
        ('{"password": "two words", "n": 1}', f'{{"password": "{MASK}", "n": 1}}'),
        ("host=db password=abc", f"host=db password={MASK}"),
        ("probe.daemon 12:30 a@b.org 97.5 % ok", "probe.daemon 12:30 a@b.org 97.5 % ok"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    redactor = Redactor()
    assert redactor.clean(text) == shown
    assert redactor.clean(shown) == shown


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Redactor(["abcdefgh", "abcdefgh-more"]).clean("x abcdefgh-more") == f"x {MASK}"


def test_a_short_secret_is_hidden_as_a_word_only() -> None:
    cleaned = Redactor(["probe"]).clean("probe_success of probes: wrong password 'probe'")
    assert cleaned == f"{MASK}_success of probes: wrong password '{MASK}'"


@pytest.mark.parametrize("secret", ["", "x", "abc"])
def test_a_secret_that_hides_nothing_spoils_no_text(secret: str) -> None:
    assert Redactor([secret]).clean("an abc of x") == "an abc of x"


def test_an_address_among_the_secrets_hides_its_password_alone_too() -> None:
    redactor = Redactor(["postgres://app:p%40ssword-1@db.example.org/x?options=deep-secret"])
    assert redactor.clean("no p%40ssword-1, p@ssword-1, options=deep-secret") == (
        f"no {MASK}, {MASK}, {MASK}"
    )
    assert redactor.clean("db.example.org/x") == "db.example.org/x"


def test_structures_are_cleaned_deep_down() -> None:
    found = Redactor(["topsecret1"]).clean_deep(
        {
            "list": ["topsecret1", ("topsecret1", 1, 1.5, None, True)],
            "topsecret1": {"deeper": {"topsecret1"}},
            "api_key": "whatever",
            "Authorization": ["a", "b"],
            "token": None,
            "tokens": 3,
            "object": ValueError("topsecret1"),
            "bytes": b"topsecret1",
            7: float("nan"),
        }
    )
    assert found == {
        "list": [MASK, (MASK, 1, 1.5, None, True)],
        MASK: {"deeper": [MASK]},
        "api_key": MASK,
        "Authorization": MASK,
        "token": None,
        "tokens": 3,
        "object": MASK,
        "bytes": f"b'{MASK}'",
        "7": "nan",
    }


def test_a_structure_that_holds_itself_comes_to_an_end() -> None:
    loop: list[object] = ["a"]
    loop += [loop, loop]
    assert Redactor().clean_deep(loop) == ["a", MASK, MASK]


def test_what_breaks_when_shown_is_named_after_its_type() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert Redactor().clean_deep([Broken()]) == ["<Broken>"]


_HOSTILE = [
    "eyJ", "eyJ.", "a", "a.", "://", "a://", "@", ":", ":1", "?://", "http://a:", "Bearer ",
    "Basic a", "password=", 'token"', "/services/", "authorization:", " ", "\\", '"', "xoxb-",
    "authorization: a ", "webhook_", "fm2_", "%2f", "f", "=", "Basic Aaaaaaaaaaaaaaaaaaaaaaaa",
]  # fmt: skip


@pytest.mark.parametrize("piece", _HOSTILE)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    redactor = Redactor(SECRETS.values())
    started = time.process_time()
    redactor.clean(text)
    redactor.clean(f"x{text}\x00")
    # A pattern that went over it again and again would need minutes.
    assert time.process_time() - started < 3.0


_pieces = st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=20))
_secrets = st.text(st.characters(codec="utf-8"), min_size=8).filter(lambda each: "*" not in each)


@given(st.lists(_pieces), _secrets, st.lists(_pieces))
def test_whatever_surrounds_it_a_secret_is_hidden(
    before: list[str], secret: str, after: list[str]
) -> None:
    redactor = Redactor([secret])
    for text in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert secret not in redactor.clean(f"{''.join(before)}{text}{''.join(after)}")


@given(st.lists(st.one_of(_pieces, st.just("s3cr3t-word"))).map("".join))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor(["s3cr3t-word"])
    once = redactor.clean(text)
    assert "s3cr3t-word" not in once
    assert redactor.clean(once).replace(MASK, "") in once.replace(MASK, "")


HALVED = {name: secret for name, secret in SECRETS.items() if len(secret) >= 16}


@pytest.mark.parametrize("secret", HALVED.values(), ids=HALVED.keys())
def test_a_secret_that_comes_in_two_texts_is_hidden_in_each(secret: str) -> None:
    redactor = Redactor(SECRETS.values())
    for place in range(len(secret)):
        first, second = secret[:place], secret[place:]
        size = max(8, len(secret) // 4)
        if len(first) >= size:
            for text in (first, f"'{first}…'", f"the server said: {first}"):
                assert first[:8] not in redactor.clean(text), text
        if len(second) >= size:
            for text in (second, f"'{second}…'", f"{second} is what came then"):
                assert second[-8:] not in redactor.clean(text), text


def test_a_word_that_a_secret_begins_with_stays_within_a_text() -> None:
    redactor = Redactor(["monitoring-2024-x9Kq"])
    assert redactor.clean("the monitoring works") == "the monitoring works"
    assert redactor.clean("restart the monitor") == "restart the monitor"


def test_the_lines_of_a_key_are_hidden_one_by_one() -> None:
    lines = ["-----BEGIN KEY-----", "MIGHAgEAMBMGByqGSM49AgEGCCqG", "SM49AwEHBG0wawIBAQQgevZzL1gdA"]
    redactor = Redactor(["\n".join(lines)])
    for line in lines[1:]:
        assert redactor.clean(f"unexpected: {line} (line 2)") == f"unexpected: {MASK} (line 2)"
