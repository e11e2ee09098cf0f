"""The real Prometheus, from Debian's package, filled with series; and promtool."""

import math
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct

from tests import requirements
from tests.servers.ports import free_port
from tests.servers.process import stop, wait_until

START_SECONDS = 60.0
STEP_SECONDS = 15
# Series go on for a while, so that "now" has samples however long the tests take.
PAST_SECONDS, FUTURE_SECONDS = 2400, 900

Value = Callable[[float], float | None]


class Line(Struct, frozen=True):
    """One series: its value by the seconds since the beginning of all (at 2400 it is now)."""

    name: str
    labels: Mapping[str, str]
    value: Value


def steady(value: float) -> Value:
    """A gauge that does not change."""
    return lambda at: value


def rising(per_second: float) -> Value:
    """A counter."""
    return lambda at: at * per_second


def until(value: Value, end: float) -> Value:
    """A series that vanishes."""
    return lambda at: value(at) if at <= end else None


def restarting(per_second: float, moments: Iterable[float]) -> Value:
    """A counter that begins anew at these moments."""
    starts = [0.0, *moments]
    return lambda at: (at - max(each for each in starts if each <= at)) * per_second


def openmetrics(lines: Iterable[Line], now: float) -> str:
    """All series as OpenMetrics text, one sample every 15 s around ``now`` (Unix time)."""
    first = math.floor(now) - PAST_SECONDS
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
    text = []
    for line in (line for group in by_name.values() for line in group):
        labels = ",".join(f'{name}="{value}"' for name, value in line.labels.items())
        for at in range(0, PAST_SECONDS + FUTURE_SECONDS, STEP_SECONDS):
            value = line.value(at)
            if value is not None:
                text.append(f"{line.name}{{{labels}}} {value} {first + at}")
    return "\n".join([*text, "# EOF", ""])


def promtool(*arguments: str, part: str = "prometheus") -> subprocess.CompletedProcess[str]:
    """Run promtool; its output says what is wrong."""
    command = [requirements.program("promtool", part=part), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


class Prometheus:
    """``with Prometheus(folder, lines, prefix="/prometheus/org") as server``."""

    def __init__(self, folder: Path, lines: Iterable[Line], *, prefix: str = "") -> None:
        self._program = requirements.program("prometheus", part="prometheus")
        self._folder, self._lines, self._prefix = folder, list(lines), prefix
        self.url = ""

    def __enter__(self) -> Self:
        data, config = self._folder / "data", self._folder / "prometheus.yml"
        text, log = self._folder / "series.txt", self._folder / "prometheus.log"
        text.write_text(openmetrics(self._lines, time.time()))
        made = promtool("tsdb", "create-blocks-from", "openmetrics", str(text), str(data))
        assert made.returncode == 0, made.stderr
        config.write_text("global: {scrape_interval: 1h}\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            self._program,
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.route-prefix={self._prefix or '/'}",
        ]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        wait_until(self._is_ready, self._process, log, within=START_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self._prefix}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
