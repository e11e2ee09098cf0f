"""The reference backend: Socket.IO 4 on Node, in `tests/servers/node`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Literal

from tests import requirements
from tests.servers.process import stop, wait_until

Mode = Literal["ok", "refuse", "silent", "drop", "never", "anyone", "lost", "garbage", "careless"]

_FOLDER = Path(__file__).parent / "node"


class NodeBackend:
    """A running backend; what `mode` does is told at the top of server.mjs."""

    def __init__(self, mode: Mode, environment: dict[str, str], log: Path) -> None:
        node = requirements.program("node", part="node_backend")
        if not (_FOLDER / "node_modules" / "socket.io").exists():
            requirements.missing("node_backend", "socket.io is not installed")
        self.jwt_secret = environment.get("JWT_SECRET", "reference-secret")
        # Nothing of the caller's environment, which may hold a real backend's names.
        names = {"PATH": os.environ["PATH"], "MODE": mode, "JWT_SECRET": self.jwt_secret}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [node, str(_FOLDER / "server.mjs")],
                env=names | environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        wait_until(lambda: log.read_text().endswith("}\n"), self._process, log, within=20)
        self.url = f"http://127.0.0.1:{json.loads(log.read_text())['port']}"

    def stop(self) -> None:
        """Ends the backend; its sessions see the connection close."""
        stop(self._process)


class NodeBackendFactory:
    """Starts backends for one test and ends them after it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers: list[NodeBackend] = []

    def __call__(self, mode: Mode = "ok", **environment: str) -> NodeBackend:
        """A backend that listens; skips the test where node or socket.io is missing."""
        log = self._directory / f"node-{len(self._servers)}.log"
        server = NodeBackend(mode, environment, log)
        self._servers.append(server)
        return server

    def close(self) -> None:
        for server in self._servers:
            server.stop()
