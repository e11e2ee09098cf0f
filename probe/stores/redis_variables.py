"""Where the backend's Redis is, by the variables that the backend reads."""

import re
from urllib.parse import quote

from pydantic import Field, SecretStr

from probe.core.environment import Environment
from probe.stores.dsn import RedisUrl, StoreAddress, parse_redis

_HOST = re.compile(r"[\w.-]+|\[?[0-9A-Fa-f:.]+\]?")
_PORT = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORT = "6379"


class RedisVariables(Environment):
    """``REDIS_URL``, or host, port and password where that is missing."""

    redis_url: RedisUrl | None = Field(default=None, alias="REDIS_URL")
    """Redis URL, as the backend has it; Upstash needs `rediss://`. Example:
    `rediss://:password@host:6379`"""
    redis_host: str | None = Field(default=None, alias="REDIS_HOST")
    """Redis host, read where `REDIS_URL` is missing. Example: `redis.internal`"""
    redis_port: str | None = Field(default=None, alias="REDIS_PORT")
    """Redis port, with `REDIS_HOST`; without a number in it 6379. Example: `6379`"""
    redis_password: SecretStr | None = Field(default=None, alias="REDIS_PASSWORD")
    """Redis password, with `REDIS_HOST`."""

    @property
    def redis(self) -> SecretStr | None:
        """The address by a URL; None where no variable names one."""
        host = self.redis_host or ""
        if self.redis_url is not None or not _HOST.fullmatch(host):
            return self.redis_url
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        # Kubernetes sets tcp://10.0.0.1:6379 for a service named "redis".
        port = self.redis_port or ""
        port = port if _PORT.fullmatch(port) and 0 < int(port) < 2**16 else _DEFAULT_PORT
        password = self.redis_password.get_secret_value() if self.redis_password else ""
        login = f":{quote(password, safe='')}@" if password else ""
        return SecretStr(f"redis://{login}{host}:{port}")

    @property
    def redis_address(self) -> StoreAddress | None:
        """The address taken apart."""
        found = self.redis
        return parse_redis(found.get_secret_value()) if found is not None else None
