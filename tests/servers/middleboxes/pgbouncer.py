"""PgBouncer in front of one test's PostgreSQL, pooling by transaction as Neon's pooler does."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests import requirements
from tests.servers.ports import free_port
from tests.servers.postgres import PASSWORD, USER, Postgres
from tests.servers.process import Process, stop, wait_until


class PgBouncer:
    """A running pooler with one connection to the server for everyone."""

    def __init__(self, behind: Postgres) -> None:
        program = requirements.program("pgbouncer", part="pgbouncer")
        self._folder = Path(tempfile.mkdtemp(prefix="probe-pgbouncer-"))
        self._folder.chmod(0o755)
        self._log = self._folder / "pgbouncer.log"
        self.port = free_port()
        users = self._folder / "users.txt"
        users.write_text(f'"{USER}" "{PASSWORD}"\n')
        config = self._folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={behind.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\n"
            f"auth_type = plain\nauth_file = {users}\nunix_socket_dir =\n"
            "pool_mode = transaction\ndefault_pool_size = 1\n"
        )
        with self._log.open("ab") as log:
            self._process: Process = subprocess.Popen(
                [program, str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # It refuses to run as root, as the server does.
                user="nobody" if os.geteuid() == 0 else None,
            )
        wait_until(self._accepts, self._process, self._log, within=10)

    @property
    def url(self) -> str:
        """The pooler's address of the database."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def close(self) -> None:
        """Ends the pooler and removes what it kept."""
        stop(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
        except OSError:
            return False
        return True
