"""The two tiers in a real daemon: an allocation check that fails has its URL measured in full."""

import asyncio
from pathlib import Path

from probe.lab import Lab
from tests.daemon.running import PATIENCE, Running, daemon

# The primary's allocations come every second, the backup's have the time of a busy machine; full
# measurements keep their own quarter of an hour, and are short. What is concluded from them is
# asked again soon, should its trigger come too early.
ALLOCATIONS = '[[fallback]]\nname = "fallback"\ninterval = 3\nretry = 3\n' + "".join(
    f'[[allocation]]\nname = "allocation-{provider}-{way}"\ninterval = {every}\nretry = {every}\n'
    f'[[turn]]\nname = "turn-{provider}-{way}"\ninterval = 900\nretry = 2\nechoes = 5\n'
    f'[[call]]\nname = "call-{provider}-{way}"\ninterval = 900\nretry = 2\nechoes = 2\n'
    for provider, every in (("primary", 1), ("backup", 5))
    for way in ("udp", "tcp", "tls")
)
WATCHED = "allocation,turn,call,fallback"
ALLOCATION, CLOSE, CALL = (
    f'probe_success{{check="{kind}-primary-udp"}}' for kind in ("allocation", "turn", "call")
)
IN_USE = 'probe_turn_backup_in_use{check="fallback"}'
STEADY = 'probe_turn_relay_rtt_seconds{check="turn-backup-udp"}'


async def until(running: Running, **expected: float) -> dict[str, float]:
    """The metrics, once they are as expected."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await running.metrics()
            if all(found.get(name) == value for name, value in expected.items()):
                return found
            await asyncio.sleep(0.1)


async def test_an_allocation_that_fails_triggers_the_full_measurement_and_so_does_its_recovery(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "probe.toml").write_text(ALLOCATIONS)
    async with daemon(tmp_path, lab.environment(), "--only", WATCHED) as running:
        await running.ready()
        before = await until(running, **{ALLOCATION: 1.0, CLOSE: 1.0, CALL: 1.0, IN_USE: 0.0})
        lab.primary.knobs.error = 508
        broken = await until(running, **{ALLOCATION: 0.0, CLOSE: 0.0, CALL: 0.0, IN_USE: 1.0})
        # The full measurements of the other provider stand, untouched by its allocations.
        assert broken[STEADY] == before[STEADY]
        lab.primary.knobs.error = None
        await until(running, **{ALLOCATION: 1.0, CLOSE: 1.0, CALL: 1.0, IN_USE: 0.0})
        assert await running.stop() == 0
    assert lab.primary.allocations == lab.backup.allocations == 0


async def test_bytes_are_a_counter_for_each_provider_and_direction(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "probe.toml").write_text(ALLOCATIONS)
    arguments = ("--only", "allocation-primary-udp")
    async with daemon(tmp_path, lab.environment(), *arguments) as running:
        await running.ready()
        first = await _spent(running)
        assert set(first) == {("primary", "sent"), ("primary", "received")}
        async with asyncio.timeout(PATIENCE):
            later = first
            while min(later.values()) < 3 * max(first.values()):
                await asyncio.sleep(0.2)
                later = await _spent(running)
        assert all(later[key] > value for key, value in first.items())
        assert await running.stop() == 0


async def _spent(running: Running) -> dict[tuple[str, str], float]:
    _, text = await running.get("/metrics")
    assert "# TYPE probe_turn_bytes_total counter" in text
    lines = [each for each in text.splitlines() if each.startswith("probe_turn_bytes_total{")]
    return {
        (
            line.split('provider="')[1].split('"')[0],
            line.split('direction="')[1].split('"')[0],
        ): float(line.rsplit(" ", 1)[1])
        for line in lines
    }
