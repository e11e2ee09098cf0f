"""Two private networks behind NATs, joined by a public one: five network namespaces.

``left`` - its NAT - ``net`` - its NAT - ``right``. The host reaches ``net`` alone; port 9091 of
either NAT leads to the peer behind it. Linux' own masquerading is the NAT: by itself it keeps the
port, so that a mapping is the same for all destinations and packets from elsewhere are dropped
(endpoint-independent mapping, address-and-port-dependent filtering, RFC 4787 sections 4.1 and 5);
with ``--random-fully`` every destination gets a port of its own (a symmetric NAT).
"""

import json
import subprocess
from http.client import HTTPConnection
from typing import Any, Literal, Self

from tests import requirements
from tests.forking.network import tcp_socket_in
from tests.servers.netns import Namespace

Mapping = Literal["endpoint-independent", "symmetric"]
PORT = 9091


class Home:
    """A private network: the peer's namespace, and its NAT's."""

    def __init__(self, net: Namespace, number: int, mapping: Mapping) -> None:
        self._ip, self._net = requirements.program("ip", part="netns"), net
        self._number = number
        self.name, self.nat = f"{net.name}-p{number}", f"{net.name}-n{number}"
        self.prefix = (self._ip, "netns", "exec", self.name)
        self.address = f"10.{50 + number}.0.2"
        self.outside = f"198.51.{number}.2"
        self._create()
        self._masquerade(mapping)

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command where the peer is."""
        return subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, timeout=timeout, check=False
        )

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of a page of the peer's, asked from next to it. Raises OSError,
        HTTPException."""
        connection = HTTPConnection("127.0.0.1", PORT)
        with tcp_socket_in(self.name) as connection.sock:
            connection.sock.settimeout(10)
            connection.sock.connect(("127.0.0.1", PORT))
            connection.request("GET", path, headers={"Connection": "close"})
            found = connection.getresponse()
            return found.status, found.read().decode()

    def remap(self) -> None:
        """The NAT forgets its mappings: masquerading drops them when its interface goes down."""
        for state in ("down", "up"):
            self._in_nat("ip", "link", "set", "outside", state)
        self._in_nat("ip", "route", "add", "default", "via", f"198.51.{self._number}.1")

    def firewall(self, *arguments: str) -> None:
        """One more rule of the NAT's."""
        self._in_nat("iptables", "-w", *arguments)

    def counted(self, chain: str = "FORWARD") -> int:
        """Packets that the first rule of a chain has met."""
        done = self._in_nat("iptables", "-w", "-nvxL", chain)
        return int(done.stdout.splitlines()[2].split()[0])

    def close(self) -> None:
        """Removes both namespaces."""
        for name in (self.name, self.nat):
            subprocess.run([self._ip, "netns", "del", name], capture_output=True, check=False)

    def _in_nat(self, *command: str) -> subprocess.CompletedProcess[str]:
        program = requirements.program(command[0], part="netns")
        whole = [self._ip, "netns", "exec", self.nat, program, *command[1:]]
        return subprocess.run(whole, capture_output=True, text=True, check=True)

    def _create(self) -> None:
        peer, nat, net = self.name, self.nat, self._net.name
        inside, there = f"10.{50 + self._number}.0", f"198.51.{self._number}"
        for line in (
            f"netns add {peer}",
            f"netns add {nat}",
            f"-n {nat} link add inside type veth peer name eth0 netns {peer}",
            f"-n {nat} link add outside type veth peer name home{self._number} netns {net}",
            f"-n {nat} address add {inside}.1/24 dev inside",
            f"-n {peer} address add {inside}.2/24 dev eth0",
            f"-n {nat} address add {there}.2/24 dev outside",
            f"-n {net} address add {there}.1/24 dev home{self._number}",
            f"-n {nat} link set inside up",
            f"-n {nat} link set outside up",
            f"-n {nat} link set lo up",
            f"-n {net} link set home{self._number} up",
            f"-n {peer} link set eth0 up",
            f"-n {peer} link set lo up",
            f"-n {peer} route add default via {inside}.1",
            f"-n {nat} route add default via {there}.1",
            f"netns exec {nat} sysctl -qw net.ipv4.ip_forward=1",
        ):
            subprocess.run([self._ip, *line.split()], capture_output=True, check=True)

    def _masquerade(self, mapping: Mapping) -> None:
        """Mappings stay while a call waits, however slow the machine is: by default an idle one is
        forgotten after 30 s, and what deletes an allocation would come from another port."""
        random = ["--random-fully"] if mapping == "symmetric" else []
        rule = ["-t", "nat", "-A", "POSTROUTING", "-o", "outside", "-p", "udp"]
        self.firewall(*rule, "-j", "MASQUERADE", *random)
        self.firewall("-t", "nat", "-A", "POSTROUTING", "-o", "outside", "-j", "MASQUERADE")
        # The NAT itself takes nothing; else it would remember who came unasked, and give the
        # mapping of an answer another port.
        self.firewall("-A", "INPUT", "-i", "outside", "-j", "DROP")
        to = f"{self.address}:{PORT}"
        self.firewall(
            *("-t", "nat", "-A", "PREROUTING", "-i", "outside", "-p", "tcp"),
            *("--dport", str(PORT), "-j", "DNAT", "--to-destination", to),
        )
        for name in ("udp_timeout", "udp_timeout_stream"):
            self._in_nat("sysctl", "-qw", f"net.netfilter.nf_conntrack_{name}=600")


class TwoHomes:
    """``with TwoHomes("symmetric") as homes``: both NATs of the same kind."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.net = Namespace()
        self.homes: list[Home] = []

    def __enter__(self) -> Self:
        try:
            self.net.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
            # What goes nowhere is lost without a word, as it is on the internet.
            self._ip("link add nowhere type veth peer name beyond")
            for end in ("nowhere", "beyond"):
                self._ip(f"link set {end} arp off up")
            self._ip("route add default dev nowhere")
            for number in (1, 2):
                self.homes.append(Home(self.net, number, self._mapping))
        except subprocess.CalledProcessError as error:
            self.__exit__()
            requirements.missing("netns", f"{error.cmd}: {error.stderr}")
        return self

    def __exit__(self, *_: object) -> None:
        for home in self.homes:
            home.close()
        self.net.close()

    def _ip(self, words: str) -> None:
        self.net.run("ip", *words.split())

    @property
    def left(self) -> Home:
        return self.homes[0]

    @property
    def right(self) -> Home:
        return self.homes[1]


def once(report: str) -> tuple[dict[str, Any], dict[str, float]]:
    """The one check of a JSON report, and its samples by name and path."""
    [check] = json.loads(report)["checks"]
    samples = {}
    for each in check["samples"]:
        samples[f"{each['signal']} {each['labels'].get('path', '')}".strip()] = each["value"]
    return check, samples
