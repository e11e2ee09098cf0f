"""Redis of one test: in memory, with a password, with or without TLS, on a port of its own."""

import socket
import subprocess
from pathlib import Path

from tests import requirements
from tests.servers.certificate import make_certificate
from tests.servers.ports import free_port
from tests.servers.process import Process, stop, wait_until

PASSWORD = "p4ss-of-the-cache"


class RedisServer:
    """A running redis-server with the user ``default`` and a password."""

    def __init__(self, folder: Path, *, tls: bool = False, options: tuple[str, ...] = ()) -> None:
        program = requirements.program("redis-server", part="redis")
        self._scheme = "rediss" if tls else "redis"
        self._log = folder / "redis.log"
        self.port = free_port()
        command = [program, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
        command += ["--requirepass", PASSWORD, "--dir", str(folder)]
        command += ["--port", "0" if tls else str(self.port)]
        self.ca_file: Path | None = None
        if tls:
            certificate = make_certificate(folder)
            self.ca_file = certificate.ca_file
            command += ["--tls-port", str(self.port), "--tls-auth-clients", "no"]
            command += ["--tls-cert-file", str(certificate.cert_file)]
            command += ["--tls-key-file", str(certificate.key_file)]
        with self._log.open("ab") as log:
            self._process: Process = subprocess.Popen(
                [*command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._accepts, self._process, self._log, within=10)

    def url(self, *, user: str = "default", password: str = PASSWORD, path: str = "") -> str:
        """The address as the backend would have it."""
        return f"{self._scheme}://{user}:{password}@127.0.0.1:{self.port}{path}"

    def stop(self) -> None:
        """Ends the server and forgets what it kept."""
        stop(self._process)

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
        except OSError:
            return False
        return True
