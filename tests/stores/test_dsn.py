"""Addresses of stores are read as the operators have them, and nothing secret leaves them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.stores.dsn import parse_postgres, parse_redis
from probe.stores.redis_variables import RedisVariables


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "path", "shown"),
    [
        (
            "postgresql://eva:p%40ss%2F@ep-a.aws.neon.tech/db?sslmode=require&channel_binding=require",
            "ep-a.aws.neon.tech",
            5432,
            "eva",
            "p@ss/",
            "db",
            "postgresql://ep-a.aws.neon.tech:5432/db",
        ),
        ("postgres://u:p@[::1]:5433/d", "::1", 5433, "u", "p", "d", "postgres://[::1]:5433/d"),
    ],
)
def test_a_database_url_is_taken_apart(
    url: str, host: str, port: int, user: str, password: str, path: str, shown: str
) -> None:
    found = parse_postgres(url)
    assert (found.host, found.port, found.user, found.password) == (host, port, user, password)
    assert (found.path, found.shown) == (path, shown)
    assert password not in repr(found) or len(password) < 2


@pytest.mark.parametrize(
    ("url", "user", "password", "path", "shown"),
    [
        ("rediss://default:s@h.upstash.io:6380", "default", "s", "", "rediss://h.upstash.io:6380"),
        ("redis://:only@h/2", "", "only", "2", "redis://h:6379/2"),
        ("redis://h", "", "", "", "redis://h:6379"),
    ],
)
def test_a_redis_url_is_taken_apart(
    url: str, user: str, password: str, path: str, shown: str
) -> None:
    found = parse_redis(url)
    assert (found.user, found.password, found.path) == (user, password, path)
    assert found.shown == shown


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("mysql://u:hunter2@h/d", "does not begin with postgres://"),
        ("ep-a.aws.neon.tech/db", "does not begin with postgres://"),
        ("postgresql://u:hunter2@/d", "names no host"),
        ("postgresql://u:hunter2@h:99999/d", "can't be read"),
        ("postgresql://u:hun#ter2@h/d", "can't be read"),
        ("postgresql://u:hunt/er2@h/d", "can't be read"),
        ("postgresql://u:hunter2@h/d?sslmode=yes", "sslmode is not one of disable, allow"),
        ("postgresql://u:hunter2@h 1/d", "%-code"),
        ("postgresql://u:12/hunter2@h/d", "%-code"),
        ("postgresql://u:12?hunter2@h/d", "%-code"),
    ],
)
def test_a_wrong_database_url_is_said_to_be_so_without_what_it_holds(url: str, right: str) -> None:
    with pytest.raises(ValueError, match=right) as caught:
        parse_postgres(url)
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://h.upstash.io", "does not begin with redis://"),
        ("redis://default:hunter2@h/first", "database's number"),
    ],
)
def test_a_wrong_redis_url_is_said_to_be_so(url: str, right: str) -> None:
    with pytest.raises(ValueError, match=right) as caught:
        parse_redis(url)
    assert "hunter2" not in str(caught.value)


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=1, max_size=20))
def test_no_password_gets_into_a_complaint_or_into_what_is_shown(password: str) -> None:
    secret = f"{password}s3cr3t"
    for url in (f"postgresql://u:{secret}@h/d", f"redis://u:{secret}@h"):
        assert "s3cr3t" not in _shown(url)


def _shown(url: str) -> str:
    """All that people may see of an address, or of why it is none."""
    parse = parse_postgres if url.startswith("post") else parse_redis
    try:
        found = parse(url)
    except ValueError as error:
        return str(error)
    return f"{found.shown}{found!r}"


def test_a_host_is_at_a_domain_or_below_it() -> None:
    assert parse_redis("redis://a.upstash.io").host_is("upstash.io")
    assert parse_redis("redis://upstash.io").host_is("upstash.io")
    assert not parse_redis("redis://notupstash.io").host_is("upstash.io")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"REDIS_HOST": "cache"}, "redis://cache:6379"),
        ({"REDIS_HOST": "cache", "REDIS_PORT": "7000"}, "redis://cache:7000"),
        ({"REDIS_HOST": "::1", "REDIS_PASSWORD": "a@b/c"}, "redis://:a%40b%2Fc@[::1]:6379"),
        # As Kubernetes sets it for a service of that name.
        ({"REDIS_HOST": "cache", "REDIS_PORT": "tcp://10.0.0.1:6379"}, "redis://cache:6379"),
        ({"REDIS_HOST": "cache", "REDIS_URL": "rediss://x:6380"}, "rediss://x:6380"),
        ({"REDIS_HOST": "/no/host"}, None),
        ({"REDIS_PORT": "6379", "REDIS_PASSWORD": "x"}, None),
        ({}, None),
    ],
)
def test_host_and_port_stand_in_for_a_redis_url(variables: dict[str, str], url: str | None) -> None:
    found = RedisVariables.model_validate(variables).redis
    assert (found and found.get_secret_value()) == url
