"""Trigger keys of the application: which checks run at once when another one's state changes.

A check that triggers a key has every subscriber of the key run. What fails behind the backend
shows at its health, at signaling and at the service itself, each at its own interval: a
change at one of them is looked into everywhere at once.
"""

from collections.abc import Iterable

SIGNALING = "signaling"
"""Every check of signaling, whatever its host: a service behind some backend has changed."""
BACKEND = "backend"
"""Every health check, for the same reason."""
REDIS = "redis"
POSTGRES = "postgres"

# What a health endpoint calls a service, and the check that measures it.
_SERVICES = {
    "redis": REDIS,
    "pubsub": REDIS,
    "cache": REDIS,
    "postgres": POSTGRES,
    "postgresql": POSTGRES,
    "database": POSTGRES,
}


def of_signaling(host: str) -> str:
    """The signaling checks of one backend."""
    return f"signaling {host}"


def of_backend(host: str) -> str:
    """The health checks of one backend."""
    return f"backend {host}"


def of_services(names: Iterable[str]) -> frozenset[str]:
    """The keys of services that a health endpoint names."""
    return frozenset(_SERVICES[name.lower()] for name in names if name.lower() in _SERVICES)
