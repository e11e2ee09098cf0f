"""Every output that shows texts from outside, as a function of one text that stands everywhere."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.notifiers import alertmanager, pagerduty, slack_blocks
from alerts.notifiers.webhook import document as webhook_document
from probe.core.model import Sample, Signal, Unit
from probe.core.outcome.safe_result import safe_result
from probe.diagnostics.logging_setup import ConsoleFormatter, JsonFormatter
from probe.diagnostics.redact import Redactor
from probe.metrics.exporter import Exporter, expose
from probe.report import feed, markdown
from probe.report.ci import chat, github
from probe.report.ci.pipeline import pipeline_from
from probe.report.formats import FORMATS, Style
from probe.report.gate import document as gate_document
from probe.report.gate import markdown as gate_markdown
from probe.report.gate import page as gate_page
from probe.report.gate import text as gate_text
from probe.report.html import badge, check_page, group_page, incident_page, page, public_page
from tests.alerts.samples import failing, sample_message, slow
from tests.fake_kind import toy, toy_kind
from tests.hostile.texts import long_reports
from tests.hostile.texts.poison import poisoned
from tests.report import board_samples, check_samples
from tests.report.html.documents import LOOK
from tests.report.html.status_days import NOW
from tests.report.samples import hostile
from tests.report.samples import result as sample_result

Output = Callable[[str], str]
WIDE = Style(colour=True, width=140)
SEEN = Signal("probe_seen_seconds", Unit.SECONDS, "Seen.", ("path",), ephemeral=True)
KEY = "0123456789abcdef0123456789abcdef"
_CI = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "a/b",
    "GITHUB_RUN_ID": "1",
}


def _message(text: str) -> Any:
    alerts = tuple(poisoned(each, text, ("identity",)) for each in (failing(), slow()))
    alerts = tuple(
        replace(each, identity=poisoned(each.identity, text, ("rule",))) for each in alerts
    )
    message = poisoned(sample_message(), text, ("firing", "links", "sender"))
    return replace(message, firing=alerts)


def _logged(formatter: logging.Formatter) -> Output:
    def write(text: str) -> str:
        record = logging.LogRecord("probe.x", logging.WARNING, "", 0, "%s", (text,), None)
        record.fields = {text: text, "list": [text]}
        return formatter.format(record) + "\n"

    return write


def _metrics(accept: str) -> Output:
    def write(text: str) -> str:
        exporter = Exporter(region=text)
        check = toy("a", toy_kind(signals=(SEEN,)))
        exporter.set_checks([check])
        found = sample_result("a", 0.1, (Sample(SEEN, 1.0, {"path": text}),))
        exporter.observe(safe_result(found, Redactor().clean))
        return expose(exporter, CollectorRegistry(), accept)[0].decode()

    return write


def _board(text: str) -> Any:
    return poisoned(board_samples.backend_down(), text)


def _incident(text: str) -> Any:
    return poisoned(board_samples.backend_down().open[0], text)


OUTPUTS: Mapping[str, Mapping[str, Output]] = {
    "terminal": {
        "table": lambda text: FORMATS["table"](hostile(text), WIDE),
        "narrow table": lambda text: FORMATS["table"](hostile(text), Style(width=80)),
        "watch": lambda text: gate_text.render(long_reports.watch(text), colour=True),
        "load": lambda text: long_reports.load("table", text),
        "turn report": long_reports.examined,
    },
    "log": {
        "console": _logged(ConsoleFormatter(Redactor(), colour=True)),
        "json log": _logged(JsonFormatter(Redactor())),
    },
    "json": {
        "run": lambda text: FORMATS["json"](hostile(text), WIDE),
        "watch": lambda text: gate_document.render(long_reports.watch(text)),
        "load": lambda text: long_reports.load("json", text),
        "pagerduty": lambda text: json.dumps(pagerduty.event(_message(text), KEY)),
        "webhook": lambda text: json.dumps(webhook_document(_message(text))),
        "alertmanager": lambda text: json.dumps(list(alertmanager.alerts_of(_message(text), ()))),
    },
    "xml": {
        "junit": lambda text: FORMATS["junit"](hostile(text), WIDE),
        "feed": lambda text: feed.incident_feed(
            [_incident(text)], NOW, "https://probe.example", title=text
        ),
        "load as junit": lambda text: long_reports.load("junit", text),
        "badge": lambda text: badge.state_badge(_board(text).services[0]),
    },
    "workflow": {"annotations": lambda text: github.annotations(hostile(text))},
    "markdown": {
        "step summary": lambda text: github.summary(hostile(text)),
        "incident": lambda text: markdown.incident_markdown(
            replace(_incident(text), notes=()), NOW
        ),
        "watch": lambda text: gate_markdown.render(long_reports.watch(text)),
    },
    "slack": {
        "message": lambda text: json.dumps(slack_blocks.document(_message(text), "<!here>")),
        "reply": lambda text: json.dumps(slack_blocks.reply(_message(text), "<!here>")),
        "run": lambda text: json.dumps(
            chat.slack_message(chat.of_run(hostile(text)), pipeline_from(_CI))
        ),
        "watch": long_reports.announced,
    },
    "html": {
        "status page": lambda text: page.render(_board(text))[0],
        "public page": lambda text: public_page.render(_board(text), LOOK)[0],
        "service": lambda text: group_page.service(_board(text), _board(text).services[0])[0],
        "incident": lambda text: incident_page.render(_incident(text), now=NOW, region=text)[0],
        "check": lambda text: check_page.render(
            poisoned(check_samples.details("health"), text), now=NOW, region=text, newest=()
        )[0],
        "watch": lambda text: gate_page.render(long_reports.watch(text)),
        "load": lambda text: long_reports.load("html", text),
    },
    "metrics": {
        "prometheus": _metrics("text/plain"),
        "openmetrics": _metrics("application/openmetrics-text"),
    },
}
