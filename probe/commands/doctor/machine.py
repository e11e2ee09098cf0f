"""This machine: its network, its data folder, receivers, versions. Nothing is sent."""

import platform
import shutil
import sqlite3
import ssl
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from alerts.settings import receivers
from probe.commands.doctor.findings import SystemItem, SystemState
from probe.config.settings import Settings
from probe.core.model import Unit
from probe.diagnostics.private_files import nearest, unwritable
from probe.net import proxies
from probe.net.resolver import Address, has_network, has_route
from probe.report.text.units import show

MIN_FREE = 100 << 20
_LIBRARIES = ("paircam-probe", "aiohttp", "aioice", "aiortc", "cryptography", "pydantic")
_DOCUMENTATION_ADDRESSES = {
    "IPv4": Address("192.0.2.1", 9, 2),
    "IPv6": Address("2001:db8::1", 9, 10),
}


def network() -> SystemItem:
    """Which ways lead out of this machine."""
    families = [name for name, address in _DOCUMENTATION_ADDRESSES.items() if has_route(address)]
    proxied = proxies.proxies_text()
    if not has_network():
        hint = "Check this machine's network: only targets on it can be reached."
        return SystemItem("own network", SystemState.ATTENTION, "no route to the internet", hint)
    detail = f"routes over {' and '.join(families)}"
    if wrong := proxies.warnings():
        return SystemItem("own network", SystemState.ATTENTION, f"{detail}; {wrong[0]}")
    return SystemItem(
        "own network", SystemState.READY, f"{detail}; {proxied}" if proxied else detail
    )


def data_folder(settings: Settings) -> SystemItem:
    """Whether history and alerts can be kept."""
    name, folder = "data folder", settings.service.data
    if folder is None:
        hint = "Set PROBE_DATA: after a restart open alerts and history are gone."
        return SystemItem(
            name, SystemState.ATTENTION, "PROBE_DATA is not set: kept in memory", hint
        )
    if not (folder.exists() or folder.parent.is_dir()):
        return SystemItem(
            name, SystemState.NOT_READY, f"{folder}: there is no folder {folder.parent}"
        )
    if why := unwritable(folder):
        hint = "Give it to the user that runs the probe."
        return SystemItem(name, SystemState.NOT_READY, why, hint)
    try:
        free = shutil.disk_usage(nearest(folder)).free
    except OSError as error:
        return SystemItem(name, SystemState.NOT_READY, f"{folder}: {error.strerror or error}")
    size = _size(folder)
    detail = f"{folder}: {show(float(size), Unit.BYTES)} used, {show(float(free), Unit.BYTES)} free"
    state = SystemState.READY if free >= MIN_FREE else SystemState.NOT_READY
    return SystemItem(name, state, detail, "" if state is SystemState.READY else "Free some space.")


def notification_receivers(settings: Settings) -> SystemItem:
    """Who gets which alerts; nothing is sent."""
    lines = receivers(settings.alerting)
    if not settings.alerting.notifiers:
        hint = "Set SLACK_WEBHOOK or another receiver: alerts appear only on the status page."
        return SystemItem("receivers", SystemState.ATTENTION, "none is configured", hint)
    hint = "`probe alerts test` sends a test notification to each."
    return SystemItem("receivers", SystemState.READY, "; ".join(lines), hint)


def versions() -> Mapping[str, str]:
    """The probe's version, and those of what it is made with."""
    found = {name: _version(name) for name in _LIBRARIES}
    return {
        "probe": found.pop("paircam-probe"),
        "Python": platform.python_version(),
        "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
        "SQLite": sqlite3.sqlite_version,
        "system": f"{sys.platform} {platform.release()}",
        **found,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _size(folder: Path) -> int:
    total = 0
    try:
        for path in folder.iterdir():
            total += path.stat().st_size if path.is_file() else 0
    except OSError:
        return total
    return total
