"""Who we are at a target: by module and host pattern, never by the query."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.exporter.modules.fields import Secret, Strict, Text, read_secret_file


class Credentials(Strict):
    """One entry of ``credentials``: ``username`` and ``password`` for HTTP and TURN, ``token`` for
    HTTP, ``shared_secret`` for time-limited TURN credentials. Each secret may be in a file."""

    host: Text = Field(min_length=1)
    """Host that they are for; ``*`` stands for any part of it."""
    username: Text | None = None
    password: Secret | None = None
    password_file: Path | None = None
    token: Secret | None = None
    token_file: Path | None = None
    shared_secret: Secret | None = None
    shared_secret_file: Path | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        for name in ("password", "token", "shared_secret"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file are the same setting: keep one of them")
        has_password = self.password is not None or self.password_file is not None
        if (self.username is not None) != has_password:
            raise ValueError("set username and password, or neither")
        has_token = self.token is not None or self.token_file is not None
        has_secret = self.shared_secret is not None or self.shared_secret_file is not None
        if has_password + has_token + has_secret != 1:
            raise ValueError("set username and password, or token, or shared_secret")
        return self

    def fits(self, host: str) -> bool:
        """Whether they are for this host."""
        return fnmatchcase(host.lower(), self.host.lower())

    def secret(self, name: str) -> SecretStr | None:
        """``password``, ``token`` or ``shared_secret``, from its file too. Raises NotMeasured."""
        return secret_of(getattr(self, name), getattr(self, f"{name}_file"), name)


def secret_of(value: SecretStr | None, path: Path | None, name: str) -> SecretStr | None:
    """A secret or the content of its file. Raises NotMeasured where that can't be read."""
    if path is None:
        return value
    try:
        return SecretStr(read_secret_file(path))
    except OSError as error:
        message = f"{name}_file can't be read: {error.strerror or 'no such file'}"
        hint = f"Correct the path of the module's {name}_file."
        raise NotMeasured(Cause.OWN_CREDENTIALS, message, hint=hint) from None


def credentials_for(host: str, listed: Sequence[Credentials]) -> Credentials | None:
    """The first entry that is for this host."""
    return next((each for each in listed if each.fits(host)), None)
