"""A network of namespaces inside one that only this process is in: one for each member, joined
by a bridge; and what goes wrong with links."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SUBNET = "10.77.0."
# Where the target, the receivers and this process are.
TARGET, RECEIVERS, CONTROL = SUBNET + "200", SUBNET + "201", SUBNET + "254"
_INSIDE = "PROBE_REGIONS_OUTER"


def sh(command: str) -> str:
    """Run a shell command; what it printed. Raises RuntimeError with what it complained of."""
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")
    return done.stdout


def enter() -> None:
    """Begin this program anew in a network namespace of its own, unless it is in one; exits if
    it would otherwise touch the machine's network."""
    if _INSIDE not in os.environ:
        outside = {**os.environ, _INSIDE: os.readlink("/proc/self/ns/net")}
        unshare = ["unshare", "-n", "-m", "--propagation", "private"]
        os.execvpe("unshare", [*unshare, *sys.orig_argv], outside)
    links = [each["ifname"] for each in json.loads(sh("ip -j link"))]
    if os.readlink("/proc/self/ns/net") == os.environ[_INSIDE] or links != ["lo"]:
        sys.exit(f"refused: this is not a network namespace of its own (it has {links})")


def build(folder: Path, members: int, targets: int) -> None:
    """The bridge, the addresses of everything outside the members, and their names."""
    sh("ip link set lo up; mkdir -p /run/netns; mount -t tmpfs none /run/netns")
    sh("ip link add br0 type bridge; ip link set br0 up")
    for address in (CONTROL, TARGET, RECEIVERS):
        sh(f"ip addr add {address}/24 dev br0")
    names = ["127.0.0.1 localhost"]
    names += [f"{TARGET} t{index}.lab" for index in range(targets)]
    names += [f"{SUBNET}{index + 1} peers.lab" for index in range(members)]
    (folder / "hosts").write_text("\n".join(names) + "\n")
    (folder / "resolv").write_text("")
    sh(f"mount --bind {folder}/hosts /etc/hosts")
    if Path("/etc/resolv.conf").exists():
        sh(f"mount --bind {folder}/resolv /etc/resolv.conf")


class Place:
    """A member's network namespace. ``index`` counts from 0; ``address`` is its own."""

    def __init__(self, index: int) -> None:
        self.name, self.address = f"p{index}", f"{SUBNET}{index + 1}"
        self.prefix = ("nsenter", f"--net=/run/netns/{self.name}")
        sh(f"ip netns add {self.name}")
        sh(f"ip link add v{index} type veth peer name e0 netns {self.name}")
        sh(f"ip link set v{index} master br0 up")
        inside = f"ip -n {self.name}"
        sh(f"{inside} addr add {self.address}/24 dev e0; {inside} link set e0 up")
        sh(f"{inside} link set lo up; {inside} route add default via {CONTROL}")

    def cut(self, addresses: Iterable[str]) -> None:
        """Lose everything from and to these addresses."""
        for address in addresses:
            self._firewall(f"-A INPUT -s {address} -j DROP")
            self._firewall(f"-A OUTPUT -d {address} -j DROP")

    def cut_requests(self, addresses: Iterable[str]) -> None:
        """Lose what opens a connection to these addresses: they can ask, and can't be asked."""
        for address in addresses:
            self._firewall(f"-A OUTPUT -p tcp --syn -d {address} -j DROP")

    def cut_answers(self, addresses: Iterable[str]) -> None:
        """Lose what these addresses say, and hear that they accept connections."""
        for address in addresses:
            self._firewall(f"-A INPUT -s {address} -m length --length 100: -j DROP")

    def heal(self) -> None:
        """Lose nothing any more."""
        self._firewall("-F")

    def traffic(self) -> int:
        """Bytes that its link has carried so far, both ways."""
        (link,) = json.loads(sh(f"ip -n {self.name} -j -s link show e0"))
        return int(link["stats64"]["tx"]["bytes"]) + int(link["stats64"]["rx"]["bytes"])

    def _firewall(self, rule: str) -> None:
        sh(f"ip netns exec {self.name} iptables -w {rule}")
