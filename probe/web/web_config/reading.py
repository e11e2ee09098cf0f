"""Reads the web configuration file."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from probe.core.field_types import plain_error
from probe.untrusted.regular_file import read_regular, reason
from probe.untrusted.text import suggest
from probe.untrusted.yaml_document import InvalidYaml, YamlDocument, read_yaml
from probe.web.web_config.model import HttpServer, RequestRate, TlsServer, WebConfig
from probe.web.web_config.tls import make_context

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_BYTES = 1 << 16
_TABLES: Mapping[tuple[int | str, ...], type[BaseModel]] = {
    (): WebConfig,
    ("tls_server_config",): TlsServer,
    ("http_server_config",): HttpServer,
    ("rate_limit",): RequestRate,
}


class WebConfigError(ValueError):
    """The file can't be used; each of the ``problems`` says where and why, and repeats no
    secret."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def read_web_config(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    """The file and the TLS context that it asks for. Raises WebConfigError."""
    try:
        document = read_yaml(read_regular(path, MAX_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise WebConfigError(f"can't read {path}: {reason(error)}") from None
    except InvalidYaml as error:
        where = "" if error.line is None else f", line {error.line}"
        raise WebConfigError(f"{path}{where}: {error.problem}") from None
    try:
        value = {} if document.value is None else document.value
        config = WebConfig.model_validate(value)
    except ValidationError as error:
        problems = (_problem(each, path, document) for each in error.errors(include_input=False))
        raise WebConfigError(*problems) from None
    tls = config.tls_server_config
    if tls is None:
        return config, None
    try:
        return config, make_context(tls, path.parent)
    except (OSError, ValueError) as error:
        place = f"{path}, line {document.line_of(['tls_server_config'])}: tls_server_config"
        raise WebConfigError(f"{place}: {error}") from None


def files_of(path: Path, config: WebConfig | None) -> Iterator[Path]:
    """The files whose change is worth reading it again."""
    yield path
    tls = config.tls_server_config if config is not None else None
    if tls is not None:
        for each in (tls.cert_file, tls.key_file, tls.client_ca_file):
            if each is not None:
                yield path.parent / each


def is_allowed_client(config: WebConfig, certificate: Mapping[str, object] | None) -> bool:
    """Whether a client's verified certificate has one of the names that are asked for."""
    tls = config.tls_server_config
    if tls is None or not tls.client_allowed_sans:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    assert isinstance(names, tuple)
    return any(name in tls.client_allowed_sans for _, name in names)


def _problem(each: "ErrorDetails", path: Path, document: YamlDocument) -> str:
    line = document.line_of(each["loc"])
    where = str(path) if line is None else f"{path}, line {line}"
    key = ".".join(map(str, each["loc"]))
    place = f"{where}: {key}" if key else where
    if each["type"] == "extra_forbidden":
        table = _TABLES.get(each["loc"][:-1])
        known = table.model_fields if table is not None else ()
        return f"{place}: unknown key{suggest(str(each['loc'][-1]), known)}"
    if each["type"] in ("model_type", "dict_type"):
        return f"{place}: must be a mapping: write its keys below it, indented"
    if each["type"] == "string_type":
        return f"{place}: must be a text: put it in quotes"
    return f"{place}: {plain_error(each)}"
