"""Annotations of alerts, as Prometheus' templates.

Cause, phase and links come from ``probe_alert_info``, which the daemon exports while an alert
fires; queries of a template run for active alerts only.
"""

_CHECK, _ALERT = ("job", "check"), ("job", "check", "signal")
_INFO = "probe_alert_info"
SEEN_FROM = "{{ with $labels.region }}, seen from {{ . }}{{ end }}"


def _first(metric: str, labels: tuple[str, ...], text: str) -> str:
    """A text about the first series of the alert's own check; nothing if there is none."""
    matchers = ",".join(f"{name}=%q" for name in labels)
    values = " ".join(f"$labels.{name}" for name in labels)
    query = f"printf `{metric}{{{matchers}}}` {values} | query"
    return f"{{{{ with {query} }}}}{{{{ with first . }}}}{text}{{{{ end }}}}{{{{ end }}}}"


def _label(name: str, prefix: str = "") -> str:
    """A label's value after a word; nothing if it is empty."""
    end = ". " if prefix else ""
    return f"{{{{ with .Labels.{name} }}}}{prefix}{{{{ . }}}}{end}{{{{ end }}}}"


_WHY = _first(_INFO, _ALERT, _label("phase", "Phase ") + _label("cause", "Cause "))
_STATUS = _first("probe_http_status_code", _CHECK, "Status {{ .Value }}. ")
_VALUE = _first("probe_judged", _ALERT, "It is {{ .Value | humanize }}. ")
_LIMIT = _first(_INFO, _ALERT, _label("limit", "Limit "))
_TARGET = _first("probe_check_info", _CHECK, "{{ .Labels.target }}")


def of_failure(what: str) -> dict[str, str]:
    """Annotations of a check that fails; ``what`` says so."""
    summary = f"{{{{ $labels.check }}}} {what}{SEEN_FROM}"
    return {"summary": summary, "description": f"{_WHY}{_STATUS}{_TARGET}", **links()}


def of_value(what: str) -> dict[str, str]:
    """Annotations of a value beyond its limit."""
    summary = f"{{{{ $labels.check }}}} {what}: {{{{ $labels.signal }}}}{SEEN_FROM}"
    return {"summary": summary, "description": f"{_VALUE}{_LIMIT}{_TARGET}", **links()}


def of_probe(runbook: str) -> dict[str, str]:
    """Where an alert about the probe itself leads to."""
    page = _first("probe_links_info", ("job",), "{{ .Labels.status_url }}runbooks/" + runbook)
    board = _first("probe_links_info", ("job",), _label("dashboard_url"))
    return {"runbook_url": page, "dashboard_url": board}


def links() -> dict[str, str]:
    """Where an alert leads to, from PROBE_PUBLIC_URL and GRAFANA_URL."""
    names = ("runbook_url", "dashboard_url")
    return {name: _first(_INFO, _ALERT, _label(name)) for name in names}
