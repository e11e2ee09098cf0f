"""What the schedule costs for each provider, from bytes that are measured here again."""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check, Kind
from probe.core.model import Status
from probe.kinds import KINDS, allocation, call, turn
from probe.turn_targets import traffic_budget
from probe.turn_targets.signals import BYTES, traffic_of
from probe.turn_targets.traffic_budget import MONTH_SECONDS, MONTHLY_BYTES
from tests.turn.turn_lab import PASSWORD, USERNAME, WAYS, TurnLab, run, turn_lab

# A public authority's chain, which the lab's certificate is shorter than.
CHAIN = 2500
MEASURED: list[Kind[Any, Any]] = [allocation.KIND, turn.KIND, call.KIND]
CONNECTIONS = {"allocation": 1, "turn": 2, "call": 2}

LOGIN = {"TURN_USERNAME": "u", "TURN_PASSWORD": "p"}
TYPICAL = "turn:h:80,turn:h:80?transport=tcp,turn:h:443,turns:h:443"
PLANS = {
    "one URL": {"TURN_URLS": "turn:h", **LOGIN},
    "only TLS": {"TURN_URLS": "turns:h", **LOGIN},
    "an own coturn": {"TURN_HOST": "h", "TURN_SHARED_SECRET": "s"},
    "Metered's four": {"TURN_URLS": TYPICAL, **LOGIN},
    "two families": {"TURN_URLS": TYPICAL, "PROBE_TURN_FAMILIES": "ipv4,ipv6", **LOGIN},
    "twelve hosts by TLS": {"TURN_URLS": ",".join(f"turns:h{i}" for i in range(12)), **LOGIN},
    "twenty": {"TURN_URLS": ",".join(TYPICAL.replace("h", f"h{i}") for i in range(5)), **LOGIN},
    "all at once": {
        "TURN_URLS": TYPICAL,
        **LOGIN,
        "TURN_BACKUP_URLS": TYPICAL.replace("h", "b"),
        "TURN_BACKUP_SHARED_SECRET": "s",
        "METERED_APP": "app",
        "METERED_API_KEY": "k",
        "BACKEND_URL": "https://example.org",
    },
}


def spent(check: Check) -> dict[str, float]:
    """What a check takes from each plan in 30 days."""
    return {
        use.plan: use.amount * math.ceil(MONTH_SECONDS / check.interval)
        for use in check.kind.uses(check.table)
    }


@pytest.mark.parametrize("name", PLANS)
def test_no_provider_pays_for_more_than_half_a_gigabyte_in_30_days(name: str) -> None:
    plan = make_plan(KINDS, Variables(PLANS[name]), {})
    total: dict[str, float] = {}
    for check in plan.checks:
        for provider, amount in spent(check).items():
            if provider.startswith("turn-"):
                total[provider] = total.get(provider, 0.0) + amount
    assert total
    assert max(total.values()) <= MONTHLY_BYTES
    # Nor is so little looked at that it would tell nobody anything.
    dear = [check.interval for check in plan.checks if check.kind.name in ("turn", "call")]
    assert min(dear) == 900 or max(total.values()) > 0.7 * MONTHLY_BYTES


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[TurnLab]:
    async with turn_lab(tmp_path) as started:
        yield started


async def measured(kind: Kind[Any, Any], lab: TurnLab, way: str) -> tuple[float, float]:
    """Bytes of one run as they were exported, and as the kind declares them."""
    login = {"username": USERNAME, "password": PASSWORD}
    table = {"name": "x", "url": lab.url(way), "ca_file": lab.ca_file, "provider": "p"}
    check, context = Check(kind, kind.table.model_validate({**table, **login})), Context()
    result = await run(check, context)
    assert result.status is Status.OK, result.failure
    assert await lab.is_clean(context)
    await asyncio.sleep(0)
    late = traffic_of("x", context)
    counted = [sample.value for sample in result.samples if sample.signal is BYTES]
    (use,) = kind.uses(check.table)
    assert use.plan == "turn-p"
    return sum(counted) + late.sent + late.received, use.amount


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", MEASURED, ids=lambda kind: kind.name)
async def test_a_run_costs_what_its_kind_declares_and_not_much_less(
    lab: TurnLab, kind: Kind[Any, Any], way: str
) -> None:
    # What a busy machine makes be sent again comes on top: the least of three runs counts.
    more = CHAIN * CONNECTIONS[kind.name] if way == "tls" else 0
    for _ in range(3):
        counted, declared = await measured(kind, lab, way)
        counted += more
        if counted <= declared:
            break
    assert 0.8 * declared < counted <= declared


@pytest.mark.parametrize(("hello", "extra"), [(187, 0), (517, 0), (1556, 2500), (1612, 2700)])
def test_a_longer_hello_of_the_tls_library_is_declared_both_ways(
    hello: int, extra: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,556 bytes are OpenSSL 3.6's, with X25519MLKEM768 beside X25519."""
    bio = SimpleNamespace(pending=hello)
    monkeypatch.setattr(ssl, "MemoryBIO", lambda: bio)
    monkeypatch.setattr(ssl, "SSLContext", lambda _: _Unanswered())
    assert traffic_budget.key_share_bytes.__wrapped__() == extra


class _Unanswered:
    """A TLS context whose connections wait for the server's answer."""

    def wrap_bio(self, incoming: object, outgoing: object, server_hostname: str) -> "_Unanswered":
        return self

    def do_handshake(self) -> None:
        raise ssl.SSLWantReadError
