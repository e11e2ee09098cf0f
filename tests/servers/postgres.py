"""PostgreSQL of one test: its own cluster, with TLS, on a port of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests import requirements
from tests.servers.certificate import make_certificate
from tests.servers.ports import free_port
from tests.servers.process import Process, stop, wait_until

USER, PASSWORD = "probe", "p4ss-of-the-database"
# The server refuses to run as root.
_ACCOUNT = "nobody"
_VERSIONS = Path("/usr/lib/postgresql")


class Postgres:
    """A running server; passwords are asked for over TCP, TLS is offered."""

    def __init__(self, *, tls: bool = True) -> None:
        self._programs = _programs()
        # pytest's folders are closed to other users, and this server is one.
        self._folder = Path(tempfile.mkdtemp(prefix="probe-postgres-"))
        self._folder.chmod(0o755)
        self._log = self._folder / "postgres.log"
        self._data = self._folder / "data"
        self.port = free_port()
        self.ca_file = self._folder / "ca.pem"
        certificate = make_certificate(self._folder)
        _give_away(self._folder, certificate.key_file)
        self._initialise()
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            "max_connections": 20,
            "superuser_reserved_connections": 0,
            "fsync": "off",
            "shared_buffers": "1MB",
            "autovacuum": "off",
            "ssl": "on" if tls else "off",
            "ssl_cert_file": str(certificate.cert_file),
            "ssl_key_file": str(certificate.key_file),
        }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self._process = self._start()

    def url(self, options: str = "?sslmode=require", **changed: str) -> str:
        """The address as the backend would have it."""
        parts_ = {"user": USER, "password": PASSWORD, "host": "127.0.0.1", "database": "postgres"}
        named = {**parts_, **changed}
        login = f"{named['user']}:{named['password']}"
        return f"postgresql://{login}@{named['host']}:{self.port}/{named['database']}{options}"

    def stop(self) -> None:
        """Ends the server; clients are thrown out."""
        stop(self._process)

    def close(self) -> None:
        """Ends the server and removes what it kept."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        _give_away(secret)
        command = [self._programs / "initdb", "-D", self._data, "-U", USER, "--no-sync"]
        options = ["--pwfile", secret, "--auth-host=scram-sha-256", "--auth-local=trust"]
        subprocess.run(
            [str(part) for part in [*command, *options]],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=_account(),
        )

    def _start(self) -> Process:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._data)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_account(),
            )
        wait_until(self._is_ready, process, self._log, within=30)
        return process

    def _is_ready(self) -> bool:
        command = [self._programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run([str(part) for part in command], capture_output=True)
        return done.returncode == 0


def _programs() -> Path:
    """Those of the newest version that is installed."""
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda each: float(each.parts[-3]))
    if not found:
        requirements.missing("postgresql", f"no PostgreSQL in {_VERSIONS}")
    return found[-1].parent


def _account() -> str | None:
    return _ACCOUNT if os.geteuid() == 0 else None


def _give_away(*paths: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(_ACCOUNT)
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)
