"""coturn, on ports of its own, with a configuration made for one test."""

import base64
import hashlib
import hmac
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tests import requirements
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.ports import free_port
from tests.servers.process import Process, wait_until

_USERNAME = "probe"
_PASSWORD = "probe-password"
_SECRET = "probe-shared-secret"
_MAGIC_COOKIE = 0x2112A442  # RFC 8489, section 5
# coturn frees a deleted UDP allocation's port a second later, so a run of many needs many.
_RELAY_PORTS = 1000


class CoturnConfig(Struct, frozen=True):
    """What a test asks of coturn; an `address` in a network namespace comes with its `prefix`."""

    auth_secret: bool = False
    user_quota: int | None = None
    total_quota: int | None = None
    denied_peer_ip: Sequence[str] = ()
    loopback_peers: bool = True
    anonymous: bool = False
    dtls: bool = False
    realm: str = "probe.test"
    address: str = "127.0.0.1"
    ipv6: bool = False
    certificate: Certificate | None = None
    tls_port: int | None = None
    prefix: Sequence[str] = ()
    more: Sequence[str] = ()


class Coturn:
    """A running turnserver; `restart()` keeps its ports and credentials."""

    def __init__(self, config: CoturnConfig, directory: Path) -> None:
        self._config = config
        self._program = requirements.program("turnserver", part="coturn")
        self._directory = directory
        self._log = directory / "coturn.log"
        certificate = config.certificate or make_certificate(
            directory, names=("localhost", "127.0.0.1", "::1", config.address)
        )
        self.ca_file = certificate.ca_file
        self.port, tls_port = free_port(), free_port()
        self.tls_port = config.tls_port or tls_port
        self.relay_ports = (_first_relay_port(), _first_relay_port() + _RELAY_PORTS - 1)
        self.username, self.password = _credentials() if config.auth_secret else _STATIC
        self.secret = _SECRET if config.auth_secret else None
        self._file = directory / "turnserver.conf"
        self._file.write_text("\n".join(self._lines(certificate)) + "\n")
        self._process = self._start()

    @property
    def udp_url(self) -> str:
        return f"turn:{self._config.address}:{self.port}?transport=udp"

    @property
    def tcp_url(self) -> str:
        return f"turn:{self._config.address}:{self.port}?transport=tcp"

    @property
    def tls_url(self) -> str:
        return f"turns:{self._config.address}:{self.tls_port}?transport=tcp"

    @property
    def log(self) -> str:
        """Everything that this server has logged so far."""
        return self._log.read_text(errors="replace")

    def pause(self) -> None:
        """Has it say nothing more: its sockets stay open, and nobody reads them."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """Kills the server; what it had allocated is gone without a word to its clients.

        After SIGTERM coturn 4.18 goes on as long as it has allocations.
        """
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Stops it if it runs, starts it again on the same ports, returns when it answers."""
        self.stop()
        self._process = self._start()

    def _start(self) -> Process:
        command = [*self._config.prefix, self._program, "-c", str(self._file)]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._answers, process, self._log, within=10)
        return process

    def _answers(self) -> bool:
        address = self._config.address
        return (
            _answers_binding(address, self.port)
            and _accepts(address, self.port)
            and _accepts(address, self.tls_port)
        )

    def _lines(self, certificate: Certificate) -> list[str]:
        return [
            *self._addresses(),
            f"realm={self._config.realm}",
            f"cert={certificate.cert_file}",
            f"pkey={certificate.key_file}",
            *self._authentication(),
            *self._limits(),
            *self._config.more,
            "relay-threads=1",
            "fingerprint",
            "no-cli",
            # 4.18 listens for DTLS where it is asked to alone, 4.6 unless it is asked not to.
            "dtls" if self._config.dtls else "no-dtls",
            "no-rfc5780",
            f"pidfile={self._directory / 'turnserver.pid'}",
            f"userdb={self._directory / 'turndb'}",
            "log-file=stdout",
            "simple-log",
            "verbose",
        ]

    def _addresses(self) -> list[str]:
        first, last = self.relay_ports
        addresses = [self._config.address, *(["::1"] if self._config.ipv6 else [])]
        return [
            *(f"listening-ip={address}" for address in addresses),
            *(f"relay-ip={address}" for address in addresses),
            f"listening-port={self.port}",
            f"tls-listening-port={self.tls_port}",
            f"min-port={first}",
            f"max-port={last}",
        ]

    def _authentication(self) -> list[str]:
        if self._config.anonymous:
            return ["no-auth"]
        if self.secret:
            return ["use-auth-secret", f"static-auth-secret={self.secret}"]
        return ["lt-cred-mech", f"user={self.username}:{self.password}"]

    def _limits(self) -> list[str]:
        config = self._config
        quotas = {"user-quota": config.user_quota, "total-quota": config.total_quota}
        return [
            *(f"{name}={value}" for name, value in quotas.items() if value is not None),
            *(f"denied-peer-ip={address}" for address in config.denied_peer_ip),
            *(["allow-loopback-peers"] if config.loopback_peers else []),
        ]


class CoturnFactory:
    """Starts servers for one test, each in a folder of its own, and ends them after it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers: list[Coturn] = []

    def __call__(self, config: CoturnConfig | None = None) -> Coturn:
        """A server that answers; the test is skipped where coturn isn't installed."""
        directory = self._directory / f"coturn-{len(self._servers)}"
        directory.mkdir()
        server = Coturn(config or CoturnConfig(), directory)
        self._servers.append(server)
        return server

    def close(self) -> None:
        for server in self._servers:
            server.stop()


_STATIC = (_USERNAME, _PASSWORD)


def _credentials(lifetime: int = 3600) -> tuple[str, str]:
    """The time-limited form: user name `<unix expiry>:<name>`, its HMAC as the password."""
    username = f"{int(time.time()) + lifetime}:{_USERNAME}"
    digest = hmac.new(_SECRET.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def _first_relay_port() -> int:
    """Below the kernel's ephemeral ports, and another thousand for each pytest worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return 20_000 + worker % 12 * _RELAY_PORTS


def _answers_binding(address: str, port: int) -> bool:
    transaction = os.urandom(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        try:
            client.connect((address, port))
            client.send(struct.pack("!HHI12s", 0x0001, 0, _MAGIC_COOKIE, transaction))
            answer = client.recv(1024)
        except OSError:
            return False
    return answer[:2] == b"\x01\x01" and answer[8:20] == transaction


def _accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=0.2).close()
    except OSError:
        return False
    return True
