"""The call of ``probe load``: one synthetic user with what a backend of the lab issues."""

from probe.core.context import Context
from probe.load.plan import LoadPlan
from tests.browser.odd.paths.issuing import JWT_SECRET, issuing
from tests.load.loading import generator
from tests.servers.certificate import Certificate

_OK, _STEPS = "ok", ("credentials", "call")


async def called_by_load(url: str, certificate: Certificate, echoes: int) -> str:
    """``ok``, or the phase and the cause of the step's failure, by the relay at ``url``."""
    # One iteration: whoever thinks for so long begins no other.
    plan = LoadPlan(users=1, duration=1.0, think=90.0, steps=_STEPS, echoes=echoes)
    async with issuing(url) as backend:
        environment = {
            "BACKEND_URL": backend,
            "JWT_SECRET": JWT_SECRET,
            "PROBE_CA_FILE": str(certificate.ca_file),
        }
        load = generator(environment, plan, context=Context(), owns_target=True)
        found = await load.run()
    if found.step("call").passed:
        return _OK
    for error in found.errors:
        return f"{error.phase}: {error.cause.value}"
    return "no result"
