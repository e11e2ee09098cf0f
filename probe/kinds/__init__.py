"""The one registration: a new kind of check is one new file here and its name in NAMES."""

from importlib import import_module
from typing import Any

from probe.core.kind import Kind

# In the order in which they are planned and shown; budget counts what those before it draw.
NAMES = (
    "http",
    "engineio",
    "signaling",
    "stun",
    "allocation",
    "crossing",
    "turn",
    "call",
    "journey",
    "resilience",
    "fallback",
    "peer",
    "fly",
    "app_metrics",
    "postgres",
    "redis",
    "metered",
    "domain",
    "security",
    "budget",
)

KINDS: tuple[Kind[Any, Any], ...] = tuple(
    import_module(f"probe.kinds.{name}").KIND for name in NAMES
)
