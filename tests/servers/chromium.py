"""Headless Chromium, driven over the DevTools protocol: pages are opened, looked at, typed at."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests import requirements
from tests.servers.process import Process, stop, wait_until

Event = dict[str, Any]
AnyConnection = TypeVar("AnyConnection", bound="Connection")

# In a container Chromium has root and neither a GPU nor room in /dev/shm; it is not to call
# home in a test.
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--remote-debugging-port=0",
)
_START_SECONDS, _ANSWER_SECONDS = 60.0, 120.0
_INTERFACE_APPEARED = "net::ERR_NETWORK_CHANGED"
_DOMAINS = ("Page", "Runtime", "Log", "Network", "DOM")


class ChromiumProcess:
    """A running Chromium that many tests share: each opens a window of a profile of its own."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self._program = requirements.program("chromium", part="chromium")
        self._flags = flags
        self._profile = directory / "chromium"
        self._log = directory / "chromium.log"
        self._process = self._start()

    def close(self) -> None:
        """End it, with all of its windows."""
        stop(self._process)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def address(self) -> str:
        """Host and port of the DevTools protocol."""
        return f"127.0.0.1:{self._active_port()[0]}"

    @asynccontextmanager
    async def window(self) -> AsyncIterator["Tab"]:
        """An empty tab of a profile of its own, as of an incognito window; both end with the
        block."""
        async with ClientSession() as session:
            path = self._active_port()[1]
            async with await self._connect(session, path, Connection) as browser:
                profile = await browser.call("Target.createBrowserContext")
                try:
                    made = await browser.call("Target.createTarget", url="about:blank", **profile)
                    path = f"/devtools/page/{made['targetId']}"
                    async with await self._connect(session, path, Tab) as tab:
                        await tab.enable()
                        yield tab
                finally:
                    await browser.call("Target.disposeBrowserContext", **profile)

    async def _connect(
        self, session: ClientSession, path: str, kind: type[AnyConnection]
    ) -> AnyConnection:
        return kind(await session.ws_connect(f"ws://{self.address}{path}", max_msg_size=0))

    def _start(self) -> Process:
        command = [self._program, *_FLAGS, *self._flags, f"--user-data-dir={self._profile}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, process, self._log, within=_START_SECONDS)
        return process

    def _listens(self) -> bool:
        """Chromium writes the port and the path below it once it listens."""
        with suppress(FileNotFoundError):
            return len(self._active_port()) == 2
        return False

    def _active_port(self) -> list[str]:
        return (self._profile / "DevToolsActivePort").read_text().splitlines()


class Chromiums:
    """One running Chromium for each set of flags, until the end of the tests."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._started: dict[tuple[str, ...], ChromiumProcess] = {}

    def __call__(self, *flags: str) -> ChromiumProcess:
        """The one with these flags; another where a test has brought it down."""
        found = self._started.get(flags)
        if found is None or not found.runs:
            found = self._started[flags] = ChromiumProcess(self._make_folder(), *flags)
        return found

    def close(self) -> None:
        """End them all."""
        for each in self._started.values():
            each.close()


class Chromium:
    """Use as ``async with Chromium(directory) as chromium``; then ``chromium.tab()``."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self._directory, self._flags = directory, flags

    async def __aenter__(self) -> Self:
        self._process = await asyncio.to_thread(ChromiumProcess, self._directory, *self._flags)
        self._session = ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await asyncio.to_thread(self._process.close)

    async def tab(self) -> "Tab":
        """An empty tab of its own; it ends with the browser."""
        async with self._session.put(f"http://{self._process.address}/json/new") as answer:
            address = (await answer.json(content_type=None))["webSocketDebuggerUrl"]
        tab = Tab(await self._session.ws_connect(address, max_msg_size=0))
        await tab.enable()
        return tab


class Connection:
    """A connection to the browser or a tab. ``events`` are all that it has told, in order."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._waiting: list[tuple[str, asyncio.Future[Event]]] = []
        self._number = 0
        self.events: list[tuple[str, Event]] = []
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._reader

    async def call(self, method: str, **parameters: Any) -> Any:
        """Send a command; raises RuntimeError if the browser refuses it."""
        self._number += 1
        answer = asyncio.get_running_loop().create_future()
        self._calls[self._number] = answer
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, _ANSWER_SECONDS)

    async def _until(self, event: str, act: Callable[[], Awaitable[Any]]) -> Event:
        """Do something, and return when this event has come of it."""
        seen = asyncio.get_running_loop().create_future()
        self._waiting.append((event, seen))
        await act()
        return await asyncio.wait_for(seen, _ANSWER_SECONDS)

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is WSMsgType.TEXT:
                self._take(json.loads(frame.data))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answer(self._calls.pop(message["id"]), message)
            return
        self.events.append((message["method"], message["params"]))
        for each in [each for each in self._waiting if each[0] == message["method"]]:
            self._waiting.remove(each)
            each[1].set_result(message["params"])

    def _answer(self, call: asyncio.Future[Any], message: dict[str, Any]) -> None:
        if call.done():
            return
        if "error" in message:
            call.set_exception(RuntimeError(message["error"]["message"]))
        else:
            call.set_result(message["result"])


class Tab(Connection):
    """One tab."""

    async def enable(self) -> None:
        """Have it tell of what happens in it."""
        for domain in _DOMAINS:
            await self.call(f"{domain}.enable")

    async def open(self, url: str) -> None:
        """Go there, and return when the page has loaded. Where an interface appears meanwhile, as
        those of other tests' namespaces do, Chromium gives up, and goes there again."""
        answer: dict[str, Any] = {"errorText": _INTERFACE_APPEARED}

        async def navigate() -> None:
            nonlocal answer
            answer = await self.call("Page.navigate", url=url)

        while answer.get("errorText") == _INTERFACE_APPEARED:
            await self._until("Page.loadEventFired", navigate)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def screen(self, width: int, height: int, *, scheme: str = "light") -> None:
        """The size of the window in CSS pixels, and whether people want it light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def scripts(self, *, enabled: bool) -> None:
        """Whether the page's own scripts run; ``evaluate`` works without them."""
        await self.call("Emulation.setScriptExecutionDisabled", value=not enabled)

    async def press(self, key: str) -> None:
        """Press and release a key: ``Tab``, ``Enter``."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        await self.call("Input.dispatchKeyEvent", **common, **down)
        await self.call("Input.dispatchKeyEvent", **common, type="keyUp")

    async def screenshot(self, *, whole: bool = True) -> bytes:
        """A PNG of the whole page, or of what the window shows."""
        answer = await self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        return base64.b64decode(answer["data"])

    def events_of(self, method: str) -> list[Event]:
        """All events of a kind so far."""
        return [event for name, event in self.events if name == method]

    def complaints(self) -> list[str]:
        """What the page's console shows: violations of its policy, exceptions, errors."""
        return [
            *(each["entry"]["text"] for each in self.events_of("Log.entryAdded")),
            *(json.dumps(each["args"]) for each in self.events_of("Runtime.consoleAPICalled")),
            *(json.dumps(each) for each in self.events_of("Runtime.exceptionThrown")),
        ]

    def requested(self) -> list[str]:
        """The addresses that were asked for."""
        return [each["request"]["url"] for each in self.events_of("Network.requestWillBeSent")]
