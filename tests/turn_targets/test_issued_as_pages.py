"""What the backend issues is read as a page reads it: its JSON, and what becomes text."""

import json
from typing import Any

import pytest

from probe.core.model import CheckFailed
from probe.paircam.credentials import parse, read_credentials
from probe.turn_targets.server_list import login_of, preferred_first
from probe.untrusted.javascript_text import javascript_text
from tests.servers.chromium import Tab

URLS = '"urls":["turn:h"]'
LOGIN = '"username":"u","credential":"c"'
TAKEN: dict[str, str | bytes] = {
    "as the backend answers": f'{{{URLS},{LOGIN},"ttl":3600}}',
    "no ttl": f"{{{URLS},{LOGIN}}}",
    "ttl: a text": f'{{{URLS},{LOGIN},"ttl":"1h"}}',
    "ttl: null": f'{{{URLS},{LOGIN},"ttl":null}}',
    "ttl: 0": f'{{{URLS},{LOGIN},"ttl":0}}',
    "ttl of 400 digits": f'{{{URLS},{LOGIN},"ttl":{"9" * 400}}}',
    "a key twice": f'{{{URLS},"username":"x",{LOGIN}}}',
    "a byte order mark": f"\ufeff{{{URLS},{LOGIN}}}",
    "bytes that are no UTF-8": f'{{{URLS},{LOGIN},"by":"J\xf6rg"}}'.encode("latin-1"),
    "100 levels": f'{{{URLS},{LOGIN},"x":{"[" * 100}{"]" * 100}}}',
    "a long string": f'{{{URLS},{LOGIN},"x":"{"a" * 100_000}"}}',
    "a user name that is a number": f'{{{URLS},"username":1.50,"credential":"c"}}',
    "a credential that is a number": f'{{{URLS},"username":"u","credential":1e21}}',
    "a user name in a list": f'{{{URLS},"username":["u"],"credential":"c"}}',
    "a user name null": f'{{{URLS},"username":null,"credential":"c"}}',
    "a URL in two lists": f'{{"urls":[["turn:h"]],{LOGIN}}}',
    "one URL alone": f'{{"urls":"turn:h",{LOGIN}}}',
    "a line break in a URL": f'{{"urls":"turn:\\nh:34\\r\\n78",{LOGIN}}}',
    "a host that none has, beside another": f'{{"urls":["turn:*","turn:h"],{LOGIN}}}',
    "an address in brackets": f'{{"urls":["turn:[127.0.0.1]:0080"],{LOGIN}}}',
}
REFUSED: dict[str, str | bytes] = {
    "UTF-16": f"{{{URLS},{LOGIN}}}".encode("utf-16"),
    "a comma at the end": f"{{{URLS},{LOGIN},}}",
    "NaN": f'{{{URLS},{LOGIN},"ttl":NaN}}',
    "a list": f"[{{{URLS},{LOGIN}}}]",
    "null": "null",
    "no user name": f'{{{URLS},"credential":"c"}}',
    "no credential": f'{{{URLS},"username":"u"}}',
    "an empty list for a user name": f'{{{URLS},"username":[],"credential":"c"}}',
    "no URLs": f"{{{LOGIN}}}",
    "URLs: null": f'{{"urls":null,{LOGIN}}}',
    "URLs: an object": f'{{"urls":{{"0":"turn:h"}},{LOGIN}}}',
    "a URL null": f'{{"urls":["turn:h",null],{LOGIN}}}',
    "a URL that is a number": f'{{"urls":["turn:h",3478],{LOGIN}}}',
    "two URLs in one": f'{{"urls":["turn:h,turn:i"],{LOGIN}}}',
}
ROWS = TAKEN | REFUSED
SCRIPT = """
(%s).map(base64 => {
  try {
    const bytes = Uint8Array.from(atob(base64), each => each.charCodeAt(0));
    const {urls, username, credential} = JSON.parse(new TextDecoder().decode(bytes));
    new RTCPeerConnection({iceServers: [{urls, username, credential}]}).close();
    return true;
  } catch { return false; }
})
"""


def _bytes(row: str | bytes) -> bytes:
    return row.encode() if isinstance(row, str) else row


def _use(body: bytes) -> tuple[str, str]:
    issued = read_credentials(parse(body, "/turn/credentials"), 0.0)
    assert preferred_first(issued)
    login = login_of(issued)
    return login.username, login.password.get_secret_value()


@pytest.mark.parametrize("row", TAKEN)
def test_what_a_page_can_use_is_used(row: str) -> None:
    assert all(_use(_bytes(TAKEN[row])))


@pytest.mark.parametrize("row", REFUSED)
def test_what_no_page_can_use_is_a_failure(row: str) -> None:
    with pytest.raises(CheckFailed):
        _use(_bytes(REFUSED[row]))


async def test_chromium_uses_the_same(tab: Tab) -> None:
    from base64 import b64encode

    rows = [b64encode(_bytes(row)).decode() for row in ROWS.values()]
    found = await tab.evaluate(SCRIPT % json.dumps(rows))
    assert dict(zip(ROWS, found, strict=True)) == {row: row in TAKEN for row in ROWS}


VALUES: list[Any] = [
    *("", "u", True, False, None, 0, -0.0, 7, -7, 1.5, 1e21, 1e20, 123456789012345678901, 1e300),
    *(1e-6, 1e-7, -1.25e-9, 12345678901234567890, 0.1, 1 / 3, 5e-324, 100, 1e2, 2**53 + 1),
    *([], [1, None, "x"], [[1, 2], [3]], {}, {"a": 1}, [{}]),
]


async def test_chromium_makes_the_same_text_of_a_value(tab: Tab) -> None:
    made = await tab.evaluate(f"JSON.parse({json.dumps(json.dumps(VALUES))}).map(String)")
    assert [javascript_text(each) for each in VALUES] == made
