"""Headless Chromium, driven over the DevTools protocol: pages are opened, looked at, typed at."""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests import requirements
from tests.servers.process import Process, stop, wait_until

Event = dict[str, Any]

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
_DOMAINS = ("Page", "Runtime", "Log", "Network", "DOM")


class Chromium:
    """Use as ``async with Chromium(directory) as chromium``; then ``chromium.tab()``."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self._program = requirements.program("chromium", part="chromium")
        self._flags = flags
        self._profile = directory / "chromium"
        self._log = directory / "chromium.log"

    async def __aenter__(self) -> Self:
        self._process = await asyncio.to_thread(self._start)
        self._session = ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await asyncio.to_thread(stop, self._process)

    async def tab(self) -> "Tab":
        """An empty tab of its own; it ends with the browser."""
        port = self._active_port().read_text().splitlines()[0]
        async with self._session.put(f"http://127.0.0.1:{port}/json/new") as answer:
            address = (await answer.json(content_type=None))["webSocketDebuggerUrl"]
        tab = Tab(await self._session.ws_connect(address, max_msg_size=0))
        for domain in _DOMAINS:
            await tab.call(f"{domain}.enable")
        return tab

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
            return len(self._active_port().read_text().splitlines()) == 2
        return False

    def _active_port(self) -> Path:
        return self._profile / "DevToolsActivePort"


class Tab:
    """One tab. ``events`` are all that the browser has told of it, in order."""

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

    async def open(self, url: str) -> None:
        """Go there, and return when the page has loaded."""
        await self._until("Page.loadEventFired", lambda: self.call("Page.navigate", url=url))

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
