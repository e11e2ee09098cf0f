"""One incident of a real daemon: its target fails, its pager is notified, and again when the target
recovers. strace makes system calls of the daemon fail meanwhile."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.faults.cases import Case

PROBE = Path(sys.executable).with_name("probe")
STRACE = shutil.which("strace")
# A fault that lasts is taken away after so long, in the middle of the outage.
LASTS_SECONDS = 8.0
# For each step of the incident, on a busy machine.
PATIENCE = 90.0
CONFIG = """
[[http]]
name = "target"
url = "{url}/target"
interval = 1
retry = 1
hold = 2
deadline = 5
"""


@dataclass
class Outcome:
    """What became of one incident."""

    triggers: int = 0
    resolves: int = 0
    exit_code: int | None = None
    problem: str = ""
    others: list[str] = field(default_factory=list)
    loses_answers: bool = False
    keys: set[str] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        """One trigger, one resolve, alive to the end; where answers are lost, the same trigger may
        come several times, with the same key."""
        repeats = self.loses_answers and self.triggers > 0 and len(self.keys) == 1
        once = (self.triggers == 1 or repeats) and self.resolves == 1
        return not self.problem and once and self.exit_code == 0

    def __str__(self) -> str:
        text = f"triggers {self.triggers}, resolves {self.resolves}, exit {self.exit_code}"
        return f"{text}{', ' + self.problem if self.problem else ''}"


class Surroundings:
    """A target that can be down, and PagerDuty's Events API."""

    def __init__(self) -> None:
        self.is_down = False
        self.looks = 0
        self.events: list[tuple[str, str]] = []
        self._changed = asyncio.Event()
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Surroundings"]:
        """Both on one port."""
        app = web.Application()
        self.routes(app)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def routes(self, app: web.Application) -> None:
        """What is served."""
        app.router.add_get("/target", self._target)
        app.router.add_post("/pagerduty", self._event)

    async def _target(self, request: web.Request) -> web.Response:
        self.looks += 1
        self.looked()
        self._changed.set()
        return web.Response(status=500 if self.is_down else 200)

    async def _event(self, request: web.Request) -> web.Response:
        event = await request.json()
        if not self.accepts():
            return web.Response(status=500)
        self.note(event["event_action"], event.get("dedup_key", ""))
        self.events.append((event["event_action"], event.get("dedup_key", "")))
        self._changed.set()
        return web.json_response({"status": "success"}, status=202)

    def accepts(self) -> bool:
        """Whether PagerDuty takes what comes."""
        return True

    def looked(self) -> None:
        """The target was looked at."""

    def note(self, action: str, key: str) -> None:
        """PagerDuty has accepted an event."""

    def count(self, action: str) -> int:
        """How many events of a kind came about the target."""
        return sum(each == action and "probe-itself" not in key for each, key in self.events)

    async def until(
        self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE
    ) -> None:
        """Wait for a condition. Raises TimeoutError."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"no {what} within {seconds:g} s") from None


def environment(world: Surroundings, folder: Path) -> dict[str, str]:
    """The daemon's configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PROBE_LISTEN": "127.0.0.1:0",
        "PROBE_DATA": str(folder / "data"),
        "PAGERDUTY_ROUTING_KEY": "R" * 32,
        "PAGERDUTY_EVENTS_URL": f"{world.url}/pagerduty",
    }


async def start(world: Surroundings, folder: Path) -> asyncio.subprocess.Process:
    """A daemon that watches the target."""
    (folder / "probe.toml").write_text(CONFIG.format(url=world.url), encoding="utf-8")
    return await launch(folder, environment(world, folder))


async def launch(folder: Path, values: Mapping[str, str]) -> asyncio.subprocess.Process:
    """A daemon with the configuration of ``folder`` and an environment."""
    with (folder / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            str(PROBE), cwd=folder, env=values, stdout=log, stderr=log
        )


async def play(case: Case | None, folder: Path) -> Outcome:
    """One incident with one fault; without any for None."""
    outcome = Outcome(loses_answers=case is not None and case.loses_answers)
    async with Surroundings().serve() as world:
        daemon = await start(world, folder)
        try:
            await _incident(world, daemon, case)
            outcome.exit_code = await _stop(daemon)
        except (TimeoutError, ProcessLookupError) as error:
            outcome.problem = str(error) or type(error).__name__
        finally:
            if daemon.returncode is None:
                with suppress(ProcessLookupError):
                    daemon.kill()
                await daemon.wait()
                outcome.problem = outcome.problem or "had to be killed"
        outcome.triggers, outcome.resolves = world.count("trigger"), world.count("resolve")
        outcome.keys = {key for _, key in world.events if "probe-itself" not in key}
        outcome.others = [key for _, key in world.events if "probe-itself" in key]
    return outcome


async def _incident(
    world: Surroundings, daemon: asyncio.subprocess.Process, case: Case | None
) -> None:
    await world.until(lambda: world.looks >= 2, "first looks")
    async with _injected(daemon.pid, case) as tracer:
        world.is_down = True
        if case is not None and case.lasts:
            await asyncio.sleep(LASTS_SECONDS)
            await _end(tracer)
        await world.until(lambda: world.count("trigger") > 0, "trigger")
        world.is_down = False
        await world.until(lambda: world.count("resolve") > 0, "resolve")
    if daemon.returncode is not None:
        raise ProcessLookupError(f"the daemon ended: {daemon.returncode}")


@asynccontextmanager
async def _injected(
    pid: int, case: Case | None
) -> AsyncIterator[asyncio.subprocess.Process | None]:
    if case is None:
        yield None
        return
    command = (str(STRACE), "-f", "-p", str(pid), "-o", "/dev/null")
    tracer = await asyncio.create_subprocess_exec(
        *command, "-e", f"trace={case.call}", "-e", case.injection, stderr=asyncio.subprocess.PIPE
    )
    try:
        await _attached(tracer)
        yield tracer
    finally:
        await _end(tracer)


async def _attached(tracer: asyncio.subprocess.Process) -> None:
    """Wait until strace says that it has attached."""
    assert tracer.stderr is not None
    async with asyncio.timeout(PATIENCE):
        line = await tracer.stderr.readline()
    if b"attached" not in line:
        raise ProcessLookupError(f"strace: {line.decode(errors='replace').strip()}")


async def _end(tracer: asyncio.subprocess.Process | None) -> None:
    if tracer is not None and tracer.returncode is None:
        with suppress(ProcessLookupError):
            tracer.send_signal(signal.SIGTERM)
        await tracer.communicate()


async def _stop(daemon: asyncio.subprocess.Process) -> int:
    daemon.terminate()
    async with asyncio.timeout(PATIENCE):
        return await daemon.wait()
