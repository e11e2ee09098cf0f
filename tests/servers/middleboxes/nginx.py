"""nginx, on ports of its own, with a configuration made for one test."""

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests import requirements
from tests.servers.certificate import Certificate
from tests.servers.ports import free_port
from tests.servers.process import stop, wait_until

_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    {plain_lines}
  }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {cert};
    ssl_certificate_key {key};
    {lines}
    location / {{ return 200 "hello"; }}
  }}
}}
"""


class Nginx:
    """A running nginx with a page over HTTPS and one over plain HTTP."""

    def __init__(
        self,
        folder: Path,
        certificate: Certificate,
        *,
        plain: str,
        lines: Sequence[str],
    ) -> None:
        program = requirements.program("nginx", part="nginx")
        self.plain_port, self.port = free_port(), free_port()
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                folder=folder,
                plain=self.plain_port,
                plain_lines=plain,
                port=self.port,
                cert=certificate.cert_file,
                key=certificate.key_file,
                lines="\n    ".join(lines),
            )
        )
        log = folder / "output.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(self._answers, self._process, log, within=10)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/"

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.plain_port}/"

    def stop(self) -> None:
        stop(self._process)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
        except OSError:
            return False
        return True
