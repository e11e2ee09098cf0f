"""What a request of the http prober carries: headers, who we are, a body."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.exporter.modules.credentials import Credentials, credentials_for, secret_of
from probe.exporter.modules.fields import read_secret_file
from probe.exporter.modules.http import BasicAuth, HttpProbe
from probe.exporter.probers.table import ProbeTable

_MAX_BODY = 10 << 20


def headers_for(
    table: ProbeTable, address: URL, *, is_first: bool, redirects: int
) -> Mapping[str, str]:
    """The headers of one request. Who we are goes to the target's own host alone, as in browsers;
    the Host header names it in the first request alone. Raises NotMeasured for a secret's file."""
    settings = table.module.http
    found = dict(_own(settings)) if is_first else dict(_without_secrets(settings))
    names = {name.lower() for name in found}
    if table.hostname is not None and redirects == 0 and "host" not in names:
        found["Host"] = table.hostname
    if redirects and "host" in names:
        found = {name: value for name, value in found.items() if name.lower() != "host"}
    if "authorization" in names or not is_first:
        return found
    login = authorization_of(settings, table.hostname or address.host or "")
    return found if login is None else {**found, "Authorization": login}


def _own(settings: HttpProbe) -> Iterator[tuple[str, str]]:
    yield from settings.headers.items()
    for name, values in settings.http_headers.items():
        texts = [*values.values, *(each.get_secret_value() for each in values.secrets)]
        texts += [_file(path, f"http_headers {name}") for path in values.files]
        if texts:
            yield name, ", ".join(texts)


def _without_secrets(settings: HttpProbe) -> Iterator[tuple[str, str]]:
    """What another host than the target's may see (RFC 9110, 17.16.3)."""
    for name, value in settings.headers.items():
        if name.lower() not in ("authorization", "cookie", "www-authenticate", "host"):
            yield name, value


def authorization_of(settings: HttpProbe, host: str) -> str | None:
    """The Authorization header for a host; None without credentials."""
    if settings.basic_auth is not None:
        return _basic(*_login(settings.basic_auth))
    if settings.authorization is not None:
        authorization = settings.authorization
        secret = secret_of(authorization.credentials, authorization.credentials_file, "credentials")
        return None if secret is None else f"{authorization.type} {secret.get_secret_value()}"
    token = secret_of(settings.bearer_token, settings.bearer_token_file, "bearer_token")
    if token is not None:
        return f"Bearer {token.get_secret_value()}"
    return of_credentials(credentials_for(host, settings.credentials))


def of_credentials(found: Credentials | None) -> str | None:
    """The Authorization header of an entry of ``credentials``."""
    if found is None:
        return None
    token = found.secret("token")
    if token is not None:
        return f"Bearer {token.get_secret_value()}"
    password = found.secret("password")
    if found.username is None or password is None:
        return None
    return _basic(found.username, password)


def _login(login: BasicAuth) -> tuple[str, SecretStr]:
    password = secret_of(login.password, login.password_file, "password")
    user = login.username
    if login.username_file is not None:
        user = _file(login.username_file, "username_file")
    return user, password or SecretStr("")


def _basic(user: str, password: SecretStr) -> str:
    pair = f"{user}:{password.get_secret_value()}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _file(path: Path, name: str) -> str:
    try:
        return read_secret_file(path)
    except OSError as error:
        raise _unreadable(name, error) from None


def body_of(table: ProbeTable) -> bytes:
    """The request's body. Raises NotMeasured where its file can't be read."""
    settings = table.module.http
    if settings.body_file is None:
        return settings.body.encode()
    try:
        with settings.body_file.open("rb") as file:
            return file.read(_MAX_BODY)
    except OSError as error:
        raise _unreadable("body_file", error) from None


def _unreadable(name: str, error: OSError) -> NotMeasured:
    message = f"{name} can't be read: {error.strerror or 'no such file'}"
    hint = f"Correct the path of {name} in the module."
    return NotMeasured(Cause.OWN_CREDENTIALS, message, hint=hint)
