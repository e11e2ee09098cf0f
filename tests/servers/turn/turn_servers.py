"""TURN servers that others have written, besides coturn: pion/turn, node-turn, turn-rs."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from probe.stun.codec import MessageClass, Method, StunMessage
from tests.requirements import optional, program
from tests.servers.certificate import Certificate
from tests.servers.ports import free_port
from tests.servers.process import Process, stop, wait_until

HOST = "127.0.0.1"
USERNAME, PASSWORD, SECRET = "probe", "probe-password", "probe-shared-secret"
_HERE = Path(__file__).parent.parent
TURN_RS = "cargo install turn-server --no-default-features --features udp,tcp"


class Wish(Struct, frozen=True):
    """What a situation asks of a server: a quota of allocations, or a shared secret."""

    quota: int | None = None
    secret: bool = False


@dataclass
class TurnServer:
    """A server that runs, and how it is reached by each transport."""

    ports: Mapping[str, int]
    process: Process = field(repr=False)

    def url(self, way: str) -> str:
        """As browsers take it."""
        scheme = "turns" if way == "tls" else "turn"
        return f"{scheme}:{HOST}:{self.ports[way]}?transport={'udp' if way == 'udp' else 'tcp'}"

    def kill(self) -> None:
        """It is gone without a word to its clients."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        stop(self.process)


Start = Callable[[Path, Certificate, Wish], TurnServer]


class TurnProduct(Struct, frozen=True):
    """A program by others. ``start`` skips the test where it isn't installed; ``can`` says which
    wishes it fulfils."""

    name: str
    ways: tuple[str, ...]
    can: frozenset[str]
    start: Start


def _launch(command: list[str], folder: Path, ports: Mapping[str, int]) -> TurnServer:
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    wait_until(lambda: _answers(ports["udp"]), process, log, within=20)
    return TurnServer(ports, process)


def _answers(port: int) -> bool:
    binding = StunMessage(Method.BINDING, MessageClass.REQUEST).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        try:
            client.connect((HOST, port))
            client.send(binding)
            return client.recv(1024)[8:20] == binding[8:20]
        except OSError:
            time.sleep(0.02)
            return False


def _pion(version: str) -> Start:
    def start(folder: Path, certificate: Certificate, wish: Wish) -> TurnServer:
        path = optional(_HERE / "go" / "bin" / f"pion-{version}", part=f"pion-turn-{version}")
        port, tls_port = free_port(), free_port()
        login = ["-secret", SECRET] if wish.secret else ["-user", USERNAME, "-password", PASSWORD]
        quota = ["-quota", str(wish.quota)] if wish.quota is not None else []
        files = ["-cert", str(certificate.cert_file), "-key", str(certificate.key_file)]
        listen = ["-listen", f"{HOST}:{port}", "-tls", f"{HOST}:{tls_port}"]
        ports = {"udp": port, "tcp": port, "tls": tls_port}
        return _launch([str(path), *listen, *files, *login, *quota], folder, ports)

    return start


def _node_turn(folder: Path, _: Certificate, __: Wish) -> TurnServer:
    optional(_HERE / "node" / "node_modules" / "node-turn", part="node-turn")
    port = free_port()
    command = [program("node", part="node"), str(_HERE / "node" / "turn.cjs")]
    return _launch([*command, str(port), USERNAME, PASSWORD], folder, {"udp": port})


def _turn_rs(folder: Path, _: Certificate, wish: Wish) -> TurnServer:
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path.home() / ".cargo" / "bin")])
    found = Path(shutil.which("turn-server", path=places) or "turn-server")
    path = optional(found, part="turn-server", remedy=TURN_RS)
    port = free_port()
    auth = (
        f'static-auth-secret = "{SECRET}"'
        if wish.secret
        else f'static-credentials = {{ "{USERNAME}" = "{PASSWORD}" }}'
    )
    interfaces = "\n".join(
        f'[[server.interfaces]]\ntransport = "{way}"\nlisten = "{HOST}:{port}"\n'
        f'external = "{HOST}:{port}"'
        for way in ("udp", "tcp")
    )
    text = f'[server]\nrealm = "turn-rs.test"\n{interfaces}\n[auth]\n{auth}\n'
    (folder / "turn-server.toml").write_text(text)
    command = [str(path), "--config", str(folder / "turn-server.toml")]
    return _launch(command, folder, {"udp": port, "tcp": port})


def _coturn(folder: Path, certificate: Certificate, wish: Wish) -> TurnServer:
    path = program("turnserver", part="coturn")
    port, tls_port = free_port(), free_port()
    login = f"use-auth-secret\nstatic-auth-secret={SECRET}"
    if not wish.secret:
        login = f"lt-cred-mech\nuser={USERNAME}:{PASSWORD}"
    quota = f"user-quota={wish.quota}\n" if wish.quota is not None else ""
    (folder / "turnserver.conf").write_text(
        f"listening-ip={HOST}\nrelay-ip={HOST}\nlistening-port={port}\ntls-listening-port={tls_port}\n"
        f"cert={certificate.cert_file}\npkey={certificate.key_file}\nrealm=coturn.test\n{login}\n"
        f"{quota}allow-loopback-peers\nno-cli\nno-dtls\nfingerprint\nrelay-threads=1\n"
        f"pidfile={folder / 'turnserver.pid'}\nuserdb={folder / 'turndb'}\nlog-file=stdout\n"
    )
    command = [path, "-c", str(folder / "turnserver.conf")]
    return _launch(command, folder, {"udp": port, "tcp": port, "tls": tls_port})


_ALL = frozenset({"quota", "secret"})
PRODUCTS = (
    TurnProduct("coturn", ("udp", "tcp", "tls"), _ALL, _coturn),
    TurnProduct("pion/turn v4", ("udp", "tcp", "tls"), _ALL, _pion("v4")),
    TurnProduct("pion/turn v5", ("udp", "tcp", "tls"), _ALL, _pion("v5")),
    TurnProduct("node-turn", ("udp",), frozenset(), _node_turn),
    TurnProduct("turn-rs", ("udp", "tcp"), frozenset({"secret"}), _turn_rs),
)
