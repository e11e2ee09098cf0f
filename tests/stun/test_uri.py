"""TURN URLs are read as browsers read them, and mistakes say what would be right."""

import re

import pytest

from probe.stun.uri import TurnUri, parse_host, parse_turn_url, parse_url_list, split_urls


@pytest.mark.parametrize(
    ("text", "canonical", "kind"),
    [
        ("turn:relay.example.org", "turn:relay.example.org:3478?transport=udp", "udp"),
        ("turn:relay.example.org:80", "turn:relay.example.org:80?transport=udp", "udp"),
        ("turn:relay:80?transport=tcp", "turn:relay:80?transport=tcp", "tcp"),
        ("TURN:relay?Transport=TCP", "turn:relay:3478?transport=tcp", "tcp"),
        ("turns:relay", "turns:relay:5349?transport=tcp", "tls"),
        ("turns:relay:443?transport=tcp", "turns:relay:443?transport=tcp", "tls"),
        ("turns:relay?transport=udp", "turns:relay:5349?transport=tcp", "tls"),
        ("turn:[::1]:3478", "turn:[::1]:3478?transport=udp", "udp"),
        ("turn:[2001:DB8:0::1]", "turn:[2001:db8::1]:3478?transport=udp", "udp"),
        ("turn:192.0.2.7:1", "turn:192.0.2.7:1?transport=udp", "udp"),
    ],
)
def test_an_url_is_read_and_written_in_one_form(text: str, canonical: str, kind: str) -> None:
    url = parse_turn_url(text)
    assert str(url) == canonical
    assert url.kind == kind
    assert parse_turn_url(str(url)) == url


def test_the_host_of_an_ipv6_url_has_no_brackets() -> None:
    assert parse_turn_url("turn:[::1]") == TurnUri("turn", "::1", 3478, "udp")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("relay.example.org:3478", "must begin with turn: or turns:"),
        ("https://relay.example.org", "must begin with turn: or turns:"),
        ("stun:relay.example.org", "must begin with turn: or turns:"),
        ("turn://relay:3478", "write turn:HOST:PORT, without //"),
        ("turn:user:secret@relay", "a user name or password does not belong in the URL"),
        ("turn:", "the host is missing"),
        ("turn::3478", "the host is missing"),
        ("turn:relay:99999", "the port must be 1 to 65535"),
        ("turn:relay:0", "the port must be 1 to 65535"),
        ("turn:relay:", "the port must be 1 to 65535"),
        ("turn:relay:٣", "the port must be 1 to 65535"),
        ("turn:::1", "write an IPv6 address in brackets, as in turn:[::1]:3478"),
        ("turn:2001:db8::1", "write an IPv6 address in brackets, as in turn:[::1]:3478"),
        ("turn:[::1", "write an IPv6 address in brackets, as in turn:[::1]:3478"),
        ("turn:[nonsense]", "an address in brackets must be IPv6"),
        ("turn:re/lay", "the host must be a name or an address"),
        ("turn:relay?transport=sctp", "only ?transport=udp or ?transport=tcp may follow the port"),
        ("turn:relay?key=abc", "only ?transport=udp or ?transport=tcp may follow the port"),
    ],
)
def test_a_mistake_says_what_would_be_right(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_turn_url(text)


def test_a_list_is_separated_by_comma_semicolon_or_white_space() -> None:
    assert split_urls(" turn:a, turn:b;turn:c\n\tturn:d ,;") == [
        "turn:a",
        "turn:b",
        "turn:c",
        "turn:d",
    ]


def test_stun_servers_of_a_browsers_list_are_distinguished_and_repetitions_dropped() -> None:
    found = parse_url_list("stun:a:80 turn:a:80 turn:a:80?transport=udp stuns:a turns:a")
    assert [str(url) for url in found.urls] == [
        "turn:a:80?transport=udp",
        "turns:a:5349?transport=tcp",
    ]
    assert found.ignored == ("stun:a:80", "stuns:a")


def test_every_wrong_entry_is_named_by_its_number() -> None:
    problems = (
        "entry 2 'turn:host:99999': the port must be 1 to 65535; "
        "entry 3 'b': must begin with turn: or turns:"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(problems)}$"):
        parse_url_list("turn:a, turn:host:99999, b")


@pytest.mark.parametrize("entry", ["turn:me:hunter2@relay:80", "turn:relay?apiKey=hunter2"])
def test_what_may_be_a_secret_is_not_repeated(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 1 'turn:") as raised:
        parse_url_list(entry)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "host"), [("relay.example.org", "relay.example.org"), ("[::1]", "::1"), ("::1", "::1")]
)
def test_a_host_alone(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize("text", ["turn:relay", "relay:3478", "https://relay", "a b"])
def test_a_host_with_more_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="without scheme and port"):
        parse_host(text)
