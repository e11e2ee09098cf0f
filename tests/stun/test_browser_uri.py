"""Which URLs browsers take, and which ports they ask: a table, and Chromium asked again."""

import json

import pytest

from probe.stun.browser_uri import (
    blocked_port,
    browser_url,
    is_looked_up_by_udp,
    refusal_of,
    refusal_of_login,
    relays_of,
)
from probe.stun.uri import parse_turn_url
from tests.servers.chromium import Tab

TAKEN = [
    "turn:h",
    "TURN:h",
    "turn:h:3478",
    "turn:h?transport=udp",
    "turn:h?transport=UDP",
    "turn:h?transport=tcp",
    "turn:h?transport=udp?transport=tcp",
    "turns:h",
    "turns:h?transport=udp",
    "turns:h?transport=tcp",
    "turns:h:443?transport=TCP",
    "stun:h",
    "STUN:h",
    "stun:h:19302",
    "stuns:h",
    "stun:[::1]:3478",
    "turn:[::1]",
    "turn:[::1]:3478",
    "turn:1.2.3.4:5",
    "turn:h:22",
    "turn:h:65535",
    "turn:h:080",
    " turn:h",
    "turn:h ",
    "turn:h\n",
    "\0turn:h\x08",
    "tu\nrn:h",
    "turn:h\tx",
    "turn:\nh",
    "turn:h:3\r\n478",
    "turn:h:00003478",
    "turn:h?transport=udp=x",
    "turn:h?transport=tcp=",
    "turn:h?transport=sctp?x",
    "turn:h?transport=udp,turn:i?transport=tcp",
    "turn:h\0x",
    "turn:*",
    "turn:h;x",
    "turn:h%20x",
    "turn:h\u3002x",
    "turn:\uff48",
    "turn:[h]:80",
    "turn:[1.2.3.4]:80",
    "turn:[gggg::1]",
    "turn:[::1]80",
    "turn:[fe80::1%eth0]",
]
REFUSED = [
    "turn:h?Transport=udp",
    "turn:h?TRANSPORT=tcp",
    "turn:h?transport=sctp",
    "turn:h?transport=tls",
    "turn:h?transport=",
    "turn:h?transport",
    "turn:h?",
    "turn:h?foo=bar",
    "turn:h?transport=udp&x=1",
    "turn:h?transport=tcp#f",
    "turn://h",
    "turn://h:3478",
    "turn:",
    "turn:h:",
    "turn:h:0",
    "turn:h:65536",
    "turn:h:abc",
    "turn:h:+80",
    "turn:::1",
    "turn:2001:db8::1",
    "turn:u:p@h",
    "turn:u@h",
    "turn:h/path",
    "turn:h:3478/path",
    "turn: h",
    "turn:h#f",
    "turn:h,turn:i",
    "stun:h?transport=udp",
    "stun:h?x=1",
    "stun:h?",
    "stun://h",
    "stun://h:80",
    "stun:",
    "stun:u@h",
    "stuns:h?transport=tcp",
    "turn:h?transport==udp",
    "turn:h?=transport=udp",
    "turn:h?foo?transport=udp",
    "turn:h? transport=udp",
    "turn:h:99999999999",
    "turn:[]",
    "turn:[::1",
    "turn:h]:80",
    "turn:[::1]x:80",
    "turn:x[::1]:80",
    "turn:h\\x",
    "turn:h|x",
    'turn:h"x',
    "turn:<h>",
    "turn:{h}",
    "turn:h^x",
    "turn:h`x",
    "http://h",
    "h:3478",
    "",
]
LOGINS = {
    ("u", "p"): True,
    ("", "p"): False,
    ("u", ""): False,
    ("u" * 509, "p"): True,
    ("u" * 510, "p"): False,
    ("\u00fc" * 254, "p"): True,
    ("\u00fc" * 255, "p"): False,
    ("u", "p" * 70_000): True,
    ("u\n", "p\0"): True,
    ("\U0001f600", "\u20ac"): True,
}
SCRIPT = """
(%s).map(([url, username, credential]) => {
  try {
    const servers = [{urls: [url], username, credential}];
    new RTCPeerConnection({iceServers: servers}).close();
    return true;
  } catch { return false; }
})
"""


ENTRIES: dict[str, str] = {
    '{"urls": "turn:h"}': "InvalidAccessError",
    '{"urls": "turns:h", "username": "u"}': "InvalidAccessError",
    '{"urls": "turn:h", "credential": "p"}': "InvalidAccessError",
    '{"urls": ["stun:h", "turn:h"]}': "InvalidAccessError",
    '{"urls": "stun:h"}': "",
}
ENTRY = """
(() => {
  try { new RTCPeerConnection({iceServers: [%s]}).close(); return ""; }
  catch (error) { return error.name; }
})()
"""


async def test_chromium_throws_for_a_turn_server_without_credentials(tab: Tab) -> None:
    assert {entry: await tab.evaluate(ENTRY % entry) for entry in ENTRIES} == ENTRIES


@pytest.mark.parametrize("url", TAKEN)
def test_an_url_that_browsers_take(url: str) -> None:
    assert refusal_of(url) == ""


@pytest.mark.parametrize("url", REFUSED)
def test_an_url_for_which_browsers_throw(url: str) -> None:
    assert refusal_of(url)


async def test_chromium_takes_and_refuses_the_same(tab: Tab) -> None:
    urls = [*TAKEN, *REFUSED]
    taken = await tab.evaluate(SCRIPT % json.dumps([(url, "u", "p") for url in urls]))
    logins = await tab.evaluate(SCRIPT % json.dumps([("turn:h", *each) for each in LOGINS]))
    assert dict(zip(urls, taken, strict=True)) == {url: not refusal_of(url) for url in urls}
    assert dict(zip(LOGINS, logins, strict=True)) == LOGINS


def test_user_names_and_credentials_for_which_browsers_throw() -> None:
    assert {each: not refusal_of_login(*each) for each in LOGINS} == LOGINS


@pytest.mark.parametrize(
    ("url", "blocked"),
    [
        ("turn:h:3478", False),
        ("turn:h:80", False),
        ("turn:h:443?transport=tcp", False),
        ("turn:h:500", False),
        ("turn:h:500?transport=tcp", True),
        ("turns:h:853", True),
        ("turn:h:53", True),
        ("turn:h:1720", True),
        ("turn:h:5060?transport=tcp", True),
        ("turns:h:6000", True),
        ("turn:h:10080", True),
        ("turn:h:1024", False),
    ],
)
def test_a_port_that_chromium_never_asks(url: str, *, blocked: bool) -> None:
    assert blocked_port(parse_turn_url(url)) is blocked


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("turn:h?transport=tcp", "turn:h:3478?transport=tcp"),
        ("turn:h?transport=tcp?x", "turn:h:3478?transport=udp"),
        ("turn:h?transport=tcp=x", "turn:h:3478?transport=tcp"),
        ("turns:h?transport=udp", "turns:h:5349?transport=tcp"),
        ("turns:h?transport=sctp?x", "turns:h:5349?transport=tcp"),
        ("turn:[1.2.3.4]:0080", "turn:1.2.3.4:80?transport=udp"),
        ("turn:[::FFFF:7f00:1]", "turn:[::ffff:7f00:1]:3478?transport=udp"),
        ("turn:[::1]80", "turn:[::1]:3478?transport=udp"),
        ("TURN:tu\nrn.example.org:\t443 ", "turn:turn.example.org:443?transport=udp"),
        ("turn:h\0x", "turn:h%00x:3478?transport=udp"),
    ],
)
def test_what_a_browser_makes_of_an_url(text: str, url: str) -> None:
    assert str(browser_url(text)) == url


def test_a_list_has_each_relay_once_and_no_stun_server() -> None:
    assert list(map(str, relays_of(["stun:h", "turn:h", "turn:h:03478", "stuns:h"]))) == [
        "turn:h:3478?transport=udp"
    ]


def test_of_a_long_list_the_first_32_relays_are_used() -> None:
    found = relays_of(["stun:h", *(f"turn:h:{port}" for port in range(1000, 1040))])
    assert [each.port for each in found] == list(range(1000, 1032))


NAMES = {
    "h.example": True,
    "a_b.example.": True,
    "-h.example": True,
    "xn--bcher-kva.example": True,
    "127.0.0.1": True,
    "127.0.0.1.": True,
    "0177.0.0.1": True,
    "0x7f.1": True,
    "2130706433": True,
    "::1": True,
    "fe80::1%eth0": True,
    "H.example": False,
    "LOCALHOST": False,
    "b\u00fccher.example": False,
    "\uff48.example": False,
    "h\u3002example": False,
    "h%2eexample": False,
    "h;x.example": False,
    "h.123": False,
}


def test_names_that_chromium_looks_up_by_udp() -> None:
    assert {name: is_looked_up_by_udp(name) for name in NAMES} == NAMES
