"""Fixtures that every test may ask for, and the run's last word on missing real parts."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from probe.core import runner
from probe.core.outcome.stall import StallWatch
from tests import requirements
from tests.leaks import Footprint, left_behind
from tests.servers.chromium import Chromiums, Tab
from tests.servers.coturn import CoturnFactory
from tests.servers.netns import Namespace
from tests.servers.node_backend import NodeBackendFactory

# Neither profile looks at the wall clock: a busy machine is no failure. CI repeats the same
# examples, so that a change fails by what it changed; elsewhere they differ from run to run.
_NO_CLOCK: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, print_blob=True, **_NO_CLOCK)
settings.register_profile("dev", **_NO_CLOCK)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

_REAL_PARTS = {"chromiums", "coturn", "image", "netns", "node_backend"}


@pytest.fixture
def coturn(tmp_path: Path) -> Iterator[CoturnFactory]:
    """`coturn()` or `coturn(CoturnConfig(…))` is a TURN server that answers."""
    factory = CoturnFactory(tmp_path)
    yield factory
    factory.close()


@pytest.fixture
def node_backend(tmp_path: Path) -> Iterator[NodeBackendFactory]:
    """`node_backend("refuse", TURN_URLS=…)` is the reference backend on Node."""
    factory = NodeBackendFactory(tmp_path)
    yield factory
    factory.close()


@pytest.fixture
def netns() -> Iterator[Namespace]:
    """A network namespace in which ports can be dropped."""
    namespace = Namespace()
    yield namespace
    namespace.close()


@pytest.fixture(scope="session")
def chromiums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromiums]:
    """`chromiums("--flag")` is a headless Chromium with this flag, started once."""
    shared = Chromiums(lambda: tmp_path_factory.mktemp("chromium"))
    yield shared
    shared.close()


@pytest.fixture
async def tab(chromiums: Chromiums) -> AsyncIterator[Tab]:
    """An empty tab of a headless Chromium, in a profile of its own."""
    async with chromiums().window() as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def _no_stalls() -> Iterator[None]:
    """Runs in this process are never late by their own clock, so that a busy machine is no
    cause of a failure. Tests of stalls put a watch of their own into the context."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "StallWatch", lambda: StallWatch(clock=lambda: 0.0))
        yield


@pytest.fixture
async def leaks() -> AsyncIterator[None]:
    """No task and no descriptor outlives the test; name it first, so that it looks last."""
    before = Footprint.now()
    yield
    assert await left_behind(before) == []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each worker of a parallel run compiles its share of the test files before all collect all
    of them: a fresh checkout is compiled once and not by each worker."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not worker or sys.dont_write_bytecode:
        return
    root, count = Path(__file__).parent.parent, int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in sorted(root.glob("tests/**/test_*.py"))[int(worker) :: count]:
        # What can't be imported is reported by the collection.
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end of the run: looking for garbage in it takes a third of
    each worker's start, and some of every later collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _REAL_PARTS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("parts")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What passed shows the figures it printed (-rP), not its log, in which a failure drowns."""
    report = yield
    if report.passed:
        report.sections = [part for part in report.sections if "stdout" in part[0]]
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around all others, so as to speak last
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    yield
    outcomes = ("skipped", "failed", "error")
    reports = [report for name in outcomes for report in terminalreporter.getreports(name)]
    lines = requirements.summary(
        requirements.count_missing(str(report.longrepr) for report in reports)
    )
    if lines:
        terminalreporter.section("real parts that were missing")
        for line in lines:
            terminalreporter.line(line)
