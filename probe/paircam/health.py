"""What a health endpoint reports: the status code is half of it.

``/health`` answers 200 while degraded, so it is the body that is judged: ``status``, and
``services`` with one entry for each dependency of the backend.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.untrusted.javascript_json import parse_response
from probe.untrusted.json_document import InvalidDocument
from probe.untrusted.text import excerpt, listed

PHASE = "body"
# The fact that names the services that are not up.
DOWN = "services down"
MAX_SERVICES = 8
# Of services that are down, in a message.
MAX_NAMES = 10
HEALTHY_STATUS = {"health": "ok", "ready": "ready"}
PUBSUB_HINT = (
    "Redis is up and pubsub is not: restart the backend, its pub/sub clients don't reconnect."
)


class BackendIdentity(Struct, frozen=True):
    """Who answered: the deployed version and the machine, where the body has them."""

    version: str | None = None
    instance: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """The same for a result."""
        named = {"version": self.version, "instance": self.instance}
        return {name: value for name, value in named.items() if value is not None}


def parse(body: bytes) -> Any:
    """The JSON document, as a page reads it. Raises CheckFailed(body_invalid)."""
    if not body.strip():
        _invalid("the body is empty")
    try:
        return parse_response(body)
    except InvalidDocument as error:
        _invalid(f"the body is not JSON: {error}")


def identify(document: object) -> BackendIdentity:
    """Who answered, as far as the document says so."""
    if not isinstance(document, dict):
        return BackendIdentity()
    instance = document.get("instance")
    identifier = instance.get("id") if isinstance(instance, dict) else None
    return BackendIdentity(_word(document.get("version")), _word(identifier))


def services_down(body: bytes) -> tuple[str, ...]:
    """The services that a health document says are not up; none where it can't be read."""
    try:
        document = parse(body)
    except CheckFailed:
        return ()
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict):
        return ()
    down = [excerpt(name) for name, state in services.items() if state not in (True, "up")]
    return tuple(down[:MAX_SERVICES])


def check_services(document: object, well: str) -> None:
    """Hold a health document against the status that it should have.

    Raises CheckFailed: service_down names each service that is not up; degraded is another
    status without a reason; body_invalid is a document of another shape.
    """
    if not isinstance(document, dict):
        _invalid("the body is JSON, but not an object")
    services = document.get("services", {})
    if not isinstance(services, dict):
        _invalid("services is not an object")
    down = [name for name, state in services.items() if not _is_up(name, state)]
    if down:
        verb = "is" if len(down) == 1 else "are"
        message = f"{listed(down, MAX_NAMES, excerpt)} {verb} down"
        raise CheckFailed(Cause.SERVICE_DOWN, message, phase=PHASE, hint=_hint(down, services))
    status = document.get("status")
    if not isinstance(status, str):
        _invalid("the body has no status")
    if status != well:
        message = f"the status is '{excerpt(status)}' and no service is named"
        raise CheckFailed(Cause.DEGRADED, message, phase=PHASE)


def with_service_detail(refusal: CheckAborted, body: bytes) -> CheckAborted:
    """A refusal by status code, with what its body says is down, if it says so."""
    try:
        check_services(parse(body), "")
    except CheckFailed as said:
        if said.cause is Cause.SERVICE_DOWN:
            refusal.message = f"{refusal.message}: {said.message}"
            refusal.hint = said.hint
    return refusal


def check_identity(
    identity: BackendIdentity, *, version: str | None, not_instance: str | None
) -> None:
    """Raises CheckFailed: version_mismatch, or old_instance if that one answers."""
    if not_instance is not None and identity.instance in (None, not_instance):
        known = "the old instance answers" if identity.instance else "no instance is named"
        raise CheckFailed(Cause.OLD_INSTANCE, known, phase=PHASE)
    if version is not None and identity.version != version:
        found = f"version {identity.version}" if identity.version else "no version"
        message = f"{found} answers, expected {excerpt(version)}"
        raise CheckFailed(Cause.VERSION_MISMATCH, message, phase=PHASE)


def _hint(down: Sequence[str], services: Mapping[str, object]) -> str | None:
    """After a Redis outage of some seconds the backend's pub/sub clients give up for good."""
    redis = services.get("redis")
    if [name.lower() for name in down] == ["pubsub"] and redis in (True, "up"):
        return PUBSUB_HINT
    return None


def _is_up(name: str, state: object) -> bool:
    """``/health`` says up or down, ``/health/ready`` true or false."""
    if not isinstance(state, bool | str):
        _invalid(f"{excerpt(name)} is neither up nor down")
    return state if isinstance(state, bool) else state == "up"


def _word(value: object) -> str | None:
    return excerpt(value) if isinstance(value, str) and value else None


def _invalid(message: str) -> NoReturn:
    raise CheckFailed(Cause.BODY_INVALID, message, phase=PHASE)
