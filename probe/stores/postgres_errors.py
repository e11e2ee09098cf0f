"""What a PostgreSQL server, or a pooler in front of it, refuses with, as a cause.

SQLSTATE codes: https://www.postgresql.org/docs/15/errcodes-appendix.html. The code decides; the
server's words are shown, and never matched but for quotas, which have no code of their own.
"""

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.stores.errors import safe_server_text
from probe.stores.postgres_protocol import ServerError

# No line of pg_hba.conf for it: with or without TLS may make the difference.
NOT_LET_IN = "28000"
_PLAN_USED_UP = "A plan's compute hours or storage are used up: see the provider's page."
_HBA_HINT = (
    "The server lets this user in from other addresses, or not at all: check its pg_hba.conf, or "
    "the provider's list of addresses that are allowed."
)
_RESOURCES_HINT = "Disk or memory of the server are full: see its metrics and its log."
_FAILURES: tuple[tuple[str, Cause, str, str | None], ...] = (
    # A pooler's own, PgBouncer's among them.
    ("08", Cause.CONNECTION_CLOSED, "closed the connection", None),
    ("53300", Cause.QUOTA_EXCEEDED, "has no connection left", None),
    ("53", Cause.QUOTA_EXCEEDED, "has no resources left ({})", _RESOURCES_HINT),
    ("57014", Cause.DEADLINE, "took too long over one query", None),
    ("57P", Cause.SERVICE_DOWN, "is starting or shutting down ({})", None),
    ("58", Cause.SERVICE_DOWN, "can't serve a session ({})", None),
)


def refusal(error: ServerError, host: str, password: str = "") -> CheckAborted:
    """The cause behind an ErrorResponse; ``password`` is not shown, whatever the server says."""
    state, server_text = error.sqlstate, safe_server_text(error.text, password)
    if state.startswith(("28", "42501", "3D000")):
        return _not_measured(state, host)
    if error.is_old:
        return CheckFailed(Cause.SERVICE_DOWN, f"{host} can't serve a session{server_text}")
    for prefix, cause, message, hint in _FAILURES:
        if state.startswith(prefix):
            return CheckFailed(cause, f"{host} {message.format(state)}{server_text}", hint=hint)
    if "quota" in error.text:
        return CheckFailed(
            Cause.QUOTA_EXCEEDED, f"{host} has no quota left{server_text}", hint=_PLAN_USED_UP
        )
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} answers with SQLSTATE {state}{server_text}")


def _not_measured(state: str, host: str) -> NotMeasured:
    """What the address or its user is refused for, which need not concern the backend."""
    if state == "3D000":
        return NotMeasured(Cause.PROTOCOL_ERROR, f"{host} has no database of that name")
    if state == "42501":
        return NotMeasured(Cause.AUTH_REJECTED, f"the user may not query that on {host}")
    if state == NOT_LET_IN:
        message = f"{host} does not let this user in from here"
        return NotMeasured(Cause.AUTH_REJECTED, message, hint=_HBA_HINT)
    return NotMeasured(Cause.AUTH_REJECTED, f"{host} refuses the user or its password")
