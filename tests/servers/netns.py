"""A network namespace with a firewall of its own, joined to the host by a pair of interfaces."""

import itertools
import os
import subprocess
from typing import Literal

from tests import requirements

_PART = "netns"
_numbers = itertools.count()


class Namespace:
    """What runs with `prefix` is inside, is reached at `address` and sees us at `host_address`."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            requirements.missing(_PART, "network namespaces need root")
        self._ip = requirements.program("ip", part=_PART)
        self._iptables = requirements.program("iptables", part=_PART)
        self._number = next(_numbers)
        self.name = f"probe-{os.getpid()}-{self._number}"
        self.prefix = (self._ip, "netns", "exec", self.name)
        # RFC 2544's test network, which nobody routes; a /30 of it for each namespace, because
        # the kernel takes its time to remove the interfaces of the one before.
        base = (os.getpid() * 16 + self._number) % 2**15 * 4
        subnet = f"198.{18 + base // 2**16}.{base // 2**8 % 2**8}"
        self.host_address, self.address = (f"{subnet}.{base % 2**8 + host}" for host in (1, 2))
        self._create()

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command inside; its exit code and output are the caller's to judge."""
        return subprocess.run(
            [*self.prefix, *command], capture_output=True, text=True, timeout=timeout, check=False
        )

    def drop(self, protocol: Literal["udp", "tcp"], port: int, last: int | None = None) -> None:
        """Loses, without an answer, what arrives inside and is for or from `port` (to `last`)."""
        for side in ("--dport", "--sport"):
            # Not OUTPUT: there a sender gets EPERM, which is no silence.
            self._firewall(
                "-A", "INPUT", "-p", protocol, side, f"{port}:{last or port}", "-j", "DROP"
            )

    def reach(self, address: str) -> None:
        """Leads to another address of the host's, too."""
        way = f"-n {self.name} route add {address} via {self.host_address}"
        subprocess.run([self._ip, *way.split()], capture_output=True, check=True)

    def let_through(self) -> None:
        """Loses nothing any more."""
        self._firewall("-F", "INPUT")

    def close(self) -> None:
        """Removes the namespace, and with it the interfaces and rules."""
        subprocess.run([self._ip, "netns", "del", self.name], capture_output=True, check=False)

    def _create(self) -> None:
        host, inner = (f"pr{os.getpid()}-{self._number}{end}" for end in "hn")
        commands = (
            f"netns add {self.name}",
            f"link add {host} type veth peer name {inner} netns {self.name}",
            f"address add {self.host_address}/30 dev {host}",
            f"link set {host} up",
            f"-n {self.name} address add {self.address}/30 dev {inner}",
            f"-n {self.name} link set {inner} up",
            f"-n {self.name} link set lo up",
        )
        try:
            for command in commands:
                subprocess.run([self._ip, *command.split()], capture_output=True, check=True)
            self._firewall("-L", "-n")
        except subprocess.CalledProcessError as error:
            self.close()
            requirements.missing(_PART, error.stderr.decode().strip())

    def _firewall(self, *arguments: str) -> None:
        command = [*self.prefix, self._iptables, "-w", *arguments]
        subprocess.run(command, capture_output=True, check=True)
