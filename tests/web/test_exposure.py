"""Pages that everyone can read are warned of, unless that is meant."""

import pytest

from probe.web.exposure import exposure, listening


@pytest.mark.parametrize(
    ("host", "has_login", "is_meant", "warns"),
    [
        ("::", False, False, True),
        ("0.0.0.0", False, False, True),
        ("10.0.0.7", False, False, True),
        ("127.0.0.1", False, False, False),
        ("127.8.0.1", False, False, False),
        ("::1", False, False, False),
        ("localhost", False, False, False),
        ("::", True, False, False),
        ("::", False, True, False),
    ],
)
def test_who_can_reach_pages_without_a_password(
    host: str, has_login: bool, is_meant: bool, warns: bool
) -> None:
    text = exposure((host, 9091), has_login=has_login, is_meant=is_meant)
    assert bool(text) is warns


@pytest.mark.parametrize(
    ("host", "encrypted", "words"),
    [
        ("::", False, "listening on every address, port 9091: the status page is on http://local"),
        ("127.0.0.1", True, "the status page is on https://127.0.0.1:9091/"),
        ("::1", False, "the status page is on http://[::1]:9091/"),
    ],
)
def test_the_log_says_where_the_pages_are(host: str, encrypted: bool, words: str) -> None:
    assert listening(host, 9091, encrypted=encrypted).startswith(words)
