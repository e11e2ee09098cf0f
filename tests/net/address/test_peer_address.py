"""``PROBE_PEERS`` has one parser: what it accepts can be used everywhere, and by every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from alerts.cluster.membership.members import Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import Query
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS
from probe.net.address.peer_address import parse_peer, parse_peers

TOKEN = "0f-all-three-pr0bes"
TURN = {"TURN_URL": "turn:turn.example.org", "TURN_USERNAME": "u", "TURN_PASSWORD": "c"}


@pytest.mark.parametrize(
    ("entry", "host", "port", "url"),
    [
        ("paircam-probe.internal", "paircam-probe.internal", 9091, None),
        ("probe:9000", "probe", 9000, "http://probe:9000"),
        ("localhost:", "localhost", 9091, "http://localhost:9091"),
        ("10.0.0.1", "10.0.0.1", 9091, "http://10.0.0.1:9091"),
        ("10.0.0.1:80", "10.0.0.1", 80, "http://10.0.0.1:80"),
        ("fdaa::3", "fdaa::3", 9091, "http://[fdaa::3]:9091"),
        ("[fdaa::3]", "fdaa::3", 9091, "http://[fdaa::3]:9091"),
        ("[fdaa::3]:9000", "fdaa::3", 9000, "http://[fdaa::3]:9000"),
        ("[fdaa::3]:", "fdaa::3", 9091, "http://[fdaa::3]:9091"),
        ("fe80::1%eth0", "fe80::1%eth0", 9091, "http://[fe80::1%eth0]:9091"),
        ("a_b.internal.", "a_b.internal.", 9091, None),
    ],
)
def test_a_name_has_a_host_and_a_port(entry: str, host: str, port: int, url: str | None) -> None:
    found = parse_peer(entry)
    assert (found.host, found.port, found.is_name) == (host, port, True)
    assert found.base_url == (url or f"http://{host}:{port}")


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("http://a:1/", "http://a:1"),
        ("https://probe.example.org/x/", "https://probe.example.org/x"),
    ],
)
def test_an_address_with_a_scheme_is_one_probe(entry: str, url: str) -> None:
    found = parse_peer(entry)
    assert (found.base_url, found.is_name) == (url, False)


WRONG = (
    "a:99999",
    "a:0",
    "a:b",
    "a:1:2",
    ":9091",
    "[::1",
    "[::1]x",
    "[a]:1",
    "[]:1",
    "a/b",
    "a?b",
    "a:\u0663",
    "-a",
    "a..b",
    "127.1",
    "1.2.3.999",
    "u:hunter2@a",
    "http://u:hunter2@a",
    "ftp://a",
    "http://",
    "http://a:0",
    "::%@",
    "fe80::1%",
    "fe80::1%a/b",
    "10.0.0.1%eth0",
)


@pytest.mark.parametrize("entry", WRONG)
def test_a_wrong_entry_is_one_line_that_holds_no_password(entry: str) -> None:
    with pytest.raises(ValueError, match=r"write|PROBE_PEER_TOKEN") as raised:
        parse_peer(entry)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("entry", ["localhost:", "[::1]:", *WRONG])
def test_what_the_probe_accepts_the_peer_kind_can_use(entry: str) -> None:
    variables = {**TURN, "PROBE_PEERS": entry, "PROBE_PEER_TOKEN": TOKEN}
    try:
        settings = load_settings(KINDS, variables, alone=True)
    except ConfigurationError:
        assert entry in WRONG
        return
    assert entry not in WRONG
    peers = [check for check in settings.plan.checks if check.kind.name == "peer"]
    assert [check.table.target for check in peers] == [parse_peer(entry).base_url[7:]]


@given(st.text(st.sampled_from("a1.-:[]%/@_\u0663 \n"), max_size=12))
def test_whatever_is_written_is_a_usable_address_or_a_mistake(text: str) -> None:
    try:
        found = parse_peers(text)
    except ValueError:
        return
    for each in found:
        assert URL(each.base_url).host
        if each.is_name:
            assert URL(each.base_url).port == each.port


async def test_every_accepted_entry_can_be_asked() -> None:
    async def refuse(url: str, body: bytes, token: str) -> bytes:
        raise TimeoutError

    peers = Members(PeersPlan(("localhost:", "[::1]:", "127.0.0.1:1")), "0" * 16, float, refuse)
    await peers.query_members([Query()])
    assert {each.url for each in peers.others} >= {"http://[::1]:9091", "http://127.0.0.1:1"}
