"""The daemon with every kind that the lab has, where the system gives it 128 MB and no more."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.daemon import deployed, lab
from tests.daemon.running import daemon, memory_of

LIMIT = 128 * 1024 * 1024
# Of the checks that the plan has; a machine that is short of time may miss some of their answers.
PASSING_SHARE = 0.8
_ROOTS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
_LIMITS = ("memory.limit_in_bytes", "memory.max")
_JOIN = ("sh", "-c", 'echo $$ > "$0" && exec "$@"')


@pytest.fixture
def limited() -> Iterator[Path]:
    """A control group that may hold no more memory than that; swap is not used."""
    for root in _ROOTS:
        folder = root / f"probe-{os.getpid()}"
        with suppress(OSError):
            folder.mkdir()
            try:
                limit = next(folder / name for name in _LIMITS if (folder / name).exists())
                limit.write_text(str(LIMIT))
                yield folder
                return
            except StopIteration:
                continue
            finally:
                with suppress(OSError):
                    folder.rmdir()
    pytest.skip("no control group of memory can be made here")


def _killed(group: Path) -> int:
    """How many processes of the group the kernel has ended for lack of memory."""
    for name in ("memory.events", "memory.oom_control"):
        if (group / name).exists():
            lines = (group / name).read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


@pytest.mark.proof
async def test_the_daemon_runs_within_128_mb(tmp_path: Path, limited: Path) -> None:
    async with lab(tmp_path) as environment:
        data = {"PROBE_DATA": str(tmp_path / "data")}
        prefix = (*_JOIN, str(limited / "cgroup.procs"))
        async with daemon(
            tmp_path, {**environment, **deployed(), **data}, prefix=prefix
        ) as running:
            await running.ready()
            _, page = await running.get("/")
            checks = (await running.status())["checks"]
            passing = sum(check["verdict"] == "ok" for check in checks)
            resident = memory_of(running.process.pid)
            print(f"{resident / 1e6:.0f} MB resident, {passing} of {len(checks)} checks ok")
            assert running.process.returncode is None
            assert _killed(limited) == 0
            assert resident <= LIMIT
            assert page
            assert passing >= PASSING_SHARE * len(checks)
            assert await running.stop() == 0
