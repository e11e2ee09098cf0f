"""The operators' variables about the backend."""

import pytest

from probe.core.environment import ConfigurationError, Variables, read_environment
from probe.paircam import BackendEnvironment, parse_duration


class TestEnvironment:
    def test_it_reads_the_operators_variables(self) -> None:
        values = {
            "BACKEND_URL": "https://paircam.example.org/",
            "JWT_SECRET": "s",
            "JWT_EXPIRATION": "7d",
        }
        found = read_environment(BackendEnvironment, Variables(values))
        assert found.backend_url is not None
        assert found.backend_url.get_secret_value() == "https://paircam.example.org"
        assert found.jwt_expiration == 7 * 86400
        assert "'s'" not in repr(found)

    def test_it_needs_none_of_them(self) -> None:
        found = read_environment(BackendEnvironment, Variables({}))
        assert (found.backend_url, found.jwt_secret, found.jwt_expiration) == (None, None, 300)

    @pytest.mark.parametrize(
        "value", ["soon", "5 parsecs", "-5m", "0", "m", "5.m", "\u0665m", "5m5s"]
    )
    def test_a_wrong_duration_is_a_mistake(self, value: str) -> None:
        with pytest.raises(ConfigurationError, match="JWT_EXPIRATION"):
            read_environment(BackendEnvironment, Variables({"JWT_EXPIRATION": value}))

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            *[("5m", 300), ("7d", 604800), ("3600", 3600), ("90s", 90), ("1.5h", 5400)],
            *[("5 m", 300), ("5 minutes", 300), ("1 hour", 3600), ("2 Days", 172800), (".5m", 30)],
            *[("1y", 31_557_600), ("10 secs", 10), ("1 week", 604800), ("1500 msecs", 1.5)],
        ],
    )
    def test_durations(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == seconds
