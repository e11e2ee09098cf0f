"""What runbooks are filled with: the configuration's names and addresses, and own pages."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from alerts.runbooks import Runbook, RunbookError, rendered
from alerts.runbooks.library import RunbookLibrary, is_address, own_slug
from probe.core.environment import ConfigProblem, Variables
from probe.core.kind import Check
from probe.net.urls import show_url

# Variables that a runbook needs besides those of kinds and notifiers.
VARIABLES = (
    "BACKEND_URL", "DATABASE_URL", "FLY_APP", "FLY_APP_NAME", "FRONTEND_URL", "METERED_APP",
    "REDIS_URL", "TURN_BACKUP_URLS", "TURN_HOST", "TURN_PROVIDER", "TURN_URLS",
)  # fmt: skip
_MAX_FILE = 262_144


def library_of(
    variables: Variables, checks: Iterable[Check], path: Path
) -> tuple[RunbookLibrary, list[ConfigProblem]]:
    """The runbooks of a plan, and what is wrong with its own. ``path`` is ``probe.toml``'s:
    files are next to it."""
    known = list(checks)
    values = _values(variables, known)
    own: dict[str, Runbook] = {}
    problems: list[ConfigProblem] = []
    for check in known:
        named = check.table.runbook
        if named is None or is_address(named):
            continue
        try:
            found = _read(path.parent / named)
            rendered(found, values)
        except (OSError, ValueError) as error:
            problems.append(ConfigProblem(f'{path}: check "{check.name}"', _problem(named, error)))
            continue
        own[own_slug(check.name)] = found
    return RunbookLibrary(values, own), problems


def _read(path: Path) -> Runbook:
    with path.open(encoding="utf-8") as file:
        text = file.read(_MAX_FILE + 1)
    if len(text) > _MAX_FILE:
        raise ValueError(f"is longer than {_MAX_FILE} characters")
    return Runbook.parse(text)


def _problem(named: str, error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return (
            f"can't read runbook {named}: {error.strerror or error}; or write an https:// address"
        )
    if isinstance(error, RunbookError):
        return f"runbook {named}: {error}"
    return f"runbook {named} is not Markdown text"


def _values(variables: Variables, checks: Iterable[Check]) -> Mapping[str, object]:
    """By a template's placeholders; those that are not configured are left out, and stay in
    capitals."""
    backend, frontend = (_shown(variables.get(f"{name}_URL")) for name in ("BACKEND", "FRONTEND"))
    redis, postgres = (_host(variables.get(name)) for name in ("REDIS_URL", "DATABASE_URL"))
    fly_apps = [app for check in checks if (app := getattr(check.table, "app", ""))]
    origins = (getattr(check.table, "origin", None) for check in checks)
    app = next(iter(fly_apps), None) or variables.get("FLY_APP")
    probe_app = variables.get("FLY_APP_NAME")
    turn = f"{variables.get('TURN_URLS') or ''} {variables.get('TURN_HOST') or ''}"
    named: dict[str, object] = {
        "app": app,
        "probe_app": probe_app,
        "backend_url": backend,
        "backend_host": _host(backend),
        "frontend_url": frontend,
        "page_origin": next(filter(None, origins), None),
        "redis_host": redis,
        "postgres_host": postgres,
        "postgres_port": _port(variables.get("DATABASE_URL")),
        "metered_app": variables.get("METERED_APP"),
    }
    conditions: dict[str, object] = {
        "fly": bool(app),
        "probe_fly": bool(probe_app),
        "upstash": bool(redis) and str(redis).endswith("upstash.io"),
        "neon": bool(postgres) and str(postgres).endswith("neon.tech"),
        "backup": variables.get("TURN_BACKUP_URLS") is not None,
        "coturn": variables.get("TURN_PROVIDER") == "coturn" or bool(variables.get("TURN_HOST")),
        "openrelay": "openrelay" in turn,
        "metered": variables.get("METERED_APP") is not None or "relay.metered.ca" in turn,
    }
    return conditions | {name: value for name, value in named.items() if value}


def _shown(address: str | None) -> str:
    """An address without user, password and query."""
    try:
        return show_url(address).rstrip("/") if address else ""
    except ValueError:  # which its own variable reports
        return ""


def _port(address: str | None) -> int | None:
    try:
        return urlsplit(address or "").port
    except ValueError:
        return None


def _host(address: str | None) -> str:
    try:
        return (urlsplit(address).hostname or "") if address else ""
    except ValueError:
        return ""
