"""``tls_config`` of a module: what is trusted, and who we are."""

import ssl
import tempfile
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.exporter.modules.fields import Secret, Strict, Text

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]


class TlsConfig(Strict):
    """Prometheus' ``tls_config``; paths are those of the machine that runs the probe."""

    insecure_skip_verify: bool = False
    ca_file: Path | None = None
    ca: Text | None = Field(default=None, repr=False)
    cert_file: Path | None = None
    cert: Text | None = Field(default=None, repr=False)
    key_file: Path | None = None
    key: Secret | None = None
    server_name: Text | None = None
    min_version: Version | None = None
    max_version: Version | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        has_cert = self.cert_file is not None or self.cert is not None
        has_key = self.key_file is not None or self.key is not None
        if has_cert != has_key:
            raise ValueError("a client certificate needs both cert_file and key_file")
        if self.ca_file is not None and self.ca is not None:
            raise ValueError("ca and ca_file are the same setting: keep one of them")
        return self

    def context(self, ca_file: Path | None, alpn: tuple[str, ...]) -> ssl.SSLContext:
        """A context for one connection; ``ca_file`` is trusted in addition to the system's CAs.

        Raises NotMeasured for a file that can't be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            self._trust(context, ca_file)
            self._identify(context)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it holds no usable certificate or key"
            message = f"tls_config: a file can't be used: {reason}"
            hint = "Correct the paths in the module's tls_config."
            raise NotMeasured(Cause.INTERNAL_ERROR, message, hint=hint) from None
        if self.min_version is not None:
            context.minimum_version = _VERSIONS[self.min_version]
        if self.max_version is not None:
            context.maximum_version = _VERSIONS[self.max_version]
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def _trust(self, context: ssl.SSLContext, ca_file: Path | None) -> None:
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca_file is not None:
            context.load_verify_locations(cafile=self.ca_file)
        elif self.ca is not None:
            context.load_verify_locations(cadata=self.ca)
        else:
            context.load_default_certs()
            if ca_file is not None:
                context.load_verify_locations(cafile=ca_file)

    def _identify(self, context: ssl.SSLContext) -> None:
        if self.cert_file is not None and self.key_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        elif self.cert is not None or self.cert_file is not None:
            # OpenSSL reads a key from a file alone; this one is ours and gone at once.
            key = self.key.get_secret_value() if self.key else ""
            key = self.key_file.read_text(encoding="utf-8") if self.key_file else key
            cert = self.cert_file.read_text(encoding="utf-8") if self.cert_file else self.cert
            with tempfile.NamedTemporaryFile(
                "w", prefix="probe-tls-", suffix=".pem", encoding="utf-8"
            ) as file:
                file.write(f"{cert}\n{key}\n")
                file.flush()
                context.load_cert_chain(file.name)
