"""Time-limited credentials are those that coturn and the backend make."""

import pytest
from pydantic import SecretStr

from probe.stun.credentials import Static, TimeLimited, TurnCredentials, expiry_of, time_limited


def test_time_limited_credentials_are_an_expiry_and_its_hmac() -> None:
    made = time_limited(SecretStr("north"), 1_500_000_000.9, 3600)
    assert made.username == "1500003600:probe"
    # printf 1500003600:probe | openssl dgst -sha1 -hmac north -binary | base64
    assert made.password.get_secret_value() == "fYWOVq/615s6uqtdRilDtWGvHlA="


def test_a_source_gives_credentials_for_a_moment() -> None:
    fixed = TurnCredentials("me", SecretStr("secret"))
    assert Static(fixed).at(1.0) is fixed
    assert TimeLimited(SecretStr("north"), ttl=60).at(1_600_000_000).username == "1600000060:probe"


def test_no_secret_shows_in_a_repr() -> None:
    source = TimeLimited(SecretStr("north"))
    assert "north" not in repr(source)
    made = source.at(1_600_000_000)
    assert made.password.get_secret_value() not in repr(made)


@pytest.mark.parametrize(
    ("username", "expiry"),
    [
        ("1500003600:probe", 1_500_003_600.0),
        ("1500003600", 1_500_003_600.0),
        ("1001", None),
        ("probe", None),
        ("probe:1500003600", None),
        ("", None),
        ("999999999999999:x", None),
        ("١٥٠٠٠٠٣٦٠٠:x", None),
    ],
)
def test_the_expiry_of_a_user_name(username: str, expiry: float | None) -> None:
    assert expiry_of(username) == expiry
