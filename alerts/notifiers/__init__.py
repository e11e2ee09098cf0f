"""The one registration: a new notifier is one new file here and its name in NAMES."""

from importlib import import_module
from typing import Any

from alerts.notifiers.base import NotifierKind

NAMES = (
    "slack",
    "pagerduty",
    "alertmanager",
    "webhook",
)

NOTIFIERS: tuple[NotifierKind[Any], ...] = tuple(
    import_module(f"alerts.notifiers.{name}").KIND for name in NAMES
)
