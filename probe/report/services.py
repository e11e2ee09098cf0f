"""Services of the status page: which checks make which, and TURN by provider."""

from collections.abc import Iterable

from msgspec import Struct

from probe.core.kind import Check

# In this order on the page; others, such as pages of their own, come after the backend.
TITLES = {
    "backend": "Backend",
    "signaling": "Signaling",
    "turn": "TURN",
    "calls": "Calls",
    "infrastructure": "Infrastructure",
}
_BACKEND = "Backend"
_OTHERS_AFTER = "backend"
PROVIDER, TRANSPORT = "provider", "transport"
BY_PROVIDER = "turn"


class ServiceProvider(Struct, frozen=True):
    """One TURN provider and its checks."""

    name: str
    checks: tuple[Check, ...]

    @property
    def transports(self) -> dict[str, tuple[Check, ...]]:
        """Its checks by transport (``udp``, ``tcp``, ``tls``, or ``all``), in the order of the
        plan."""
        found: dict[str, tuple[Check, ...]] = {}
        for check in self.checks:
            name = check.table.labels.get(TRANSPORT, "all")
            found[name] = (*found.get(name, ()), check)
        return found


class Service(Struct, frozen=True):
    """A service and its checks, in the order of the plan."""

    name: str
    title: str
    checks: tuple[Check, ...]

    @property
    def objective(self) -> float:
        """The share of time that it is to be up: the lowest of its checks'."""
        return min(check.kind.availability for check in self.checks)

    @property
    def providers(self) -> tuple[ServiceProvider, ...]:
        """The providers of the TURN service."""
        found: dict[str, tuple[Check, ...]] = {}
        for check in self.checks if self.name == BY_PROVIDER else ():
            name = check.table.labels.get(PROVIDER)
            if name:
                found[name] = (*found.get(name, ()), check)
        return tuple(ServiceProvider(name, checks) for name, checks in found.items())


def service_of(check: Check) -> str:
    """The name of the service that a check is part of."""
    if check.table.component == _BACKEND:  # readiness too, whose alerts have a service of their own
        return check.table.service or check.kind.service
    return check.table.own_service or check.kind.service


def services_of(checks: Iterable[Check]) -> tuple[Service, ...]:
    """The services of a plan, in the order of the page; references are of none."""
    found: dict[str, list[Check]] = {}
    for check in checks:
        if not check.table.is_reference:
            found.setdefault(service_of(check), []).append(check)
    order = {name: place for place, name in enumerate(TITLES)}
    others = order[_OTHERS_AFTER] + 0.5
    names = sorted(found, key=lambda name: order.get(name, others))
    return tuple(Service(name, title_of(name), tuple(found[name])) for name in names)


def title_of(service: str) -> str:
    """A service's name for people."""
    plain = service.replace("-", " ").replace("_", " ")
    return TITLES.get(service, plain[:1].upper() + plain[1:])
