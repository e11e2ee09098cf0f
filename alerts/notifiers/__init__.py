"""The one registration: a new notifier is one new file here and one line in NOTIFIERS."""

from typing import Any

from alerts.notifiers.alertmanager import KIND as ALERTMANAGER
from alerts.notifiers.base import NotifierKind
from alerts.notifiers.pagerduty import KIND as PAGERDUTY
from alerts.notifiers.slack import KIND as SLACK
from alerts.notifiers.webhook import KIND as WEBHOOK

NOTIFIERS: tuple[NotifierKind[Any], ...] = (SLACK, PAGERDUTY, ALERTMANAGER, WEBHOOK)
