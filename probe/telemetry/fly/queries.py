"""What Fly.io's metrics are asked, in PromQL that Prometheus knows too.

https://fly.io/docs/monitoring/metrics/. ``tests/telemetry/test_fly_queries.py`` holds the
answers against series with known values, by promtool. ``app`` is a name that was checked: it
is in the queries as it is.

Fly scrapes every 15 s, and VictoriaMetrics hides the newest 30 s; so "now" is the last 90 s,
and nothing looks back over the five minutes that a bare selector would.
"""

_NOW = "90s"
_MACHINE = "by(app,instance,region)"

ERRORS, REQUESTS = "errors", "requests"
P95, REGION_P95 = "p95", "region_p95"
MEMORY_USED, MEMORY_TOTAL = "memory_used", "memory_total"
CPU, THROTTLED = "cpu", "throttled"
RESTARTS, UP, VANISHED = "restarts", "up", "vanished"


def queries_for(app: str) -> dict[str, str]:
    """Every query by its name, for one app.

    errors, requests: a number over five minutes for each region of Fly's edge. p95: seconds,
    of the whole app and for each region of its machines. The others are for each machine:
    bytes; shares of a core (``fly_instance_cpu*`` count hundredths of a second); restarts of
    24 hours; 1 for a machine that reports, and for one that did half an hour ago and has
    stopped.
    """
    app_selector = f'app="{app}"'
    return {**_of_requests(app_selector), **_of_machines(app_selector)}


def _of_requests(app_selector: str) -> dict[str, str]:
    edge = "sum by(region) (increase(fly_edge_http_responses_count{%s}[5m]))"
    buckets = f"rate(fly_app_http_response_time_seconds_bucket{{{app_selector}}}[5m])"
    return {
        ERRORS: edge % f'{app_selector},status=~"5.."',
        REQUESTS: edge % app_selector,
        P95: f"histogram_quantile(0.95, sum by(app,le) ({buckets}))",
        REGION_P95: f"histogram_quantile(0.95, sum by(region,le) ({buckets}))",
    }


def _of_machines(app_selector: str) -> dict[str, str]:
    busy = f'rate(fly_instance_cpu{{{app_selector},mode!~"idle|iowait|steal|guest.*"}}[5m])'
    cores = f'count {_MACHINE} (fly_instance_cpu{{{app_selector},mode="idle"}})'
    total = f"fly_instance_memory_mem_total{{{app_selector}}}"
    up = f"max {_MACHINE} (last_over_time(fly_instance_up{{{app_selector}}}[{_NOW}]) == 1)"
    seen_recently = f"max {_MACHINE} (max_over_time(fly_instance_up{{{app_selector}}}[30m]))"
    first_core = f'fly_instance_cpu{{{app_selector},mode="idle",cpu_id="0"}}'
    return {
        MEMORY_USED: f"{total} - fly_instance_memory_mem_available{{{app_selector}}}",
        MEMORY_TOTAL: total,
        CPU: f"sum {_MACHINE} ({busy}) / {cores} / 100",
        THROTTLED: f"sum {_MACHINE} (rate(fly_instance_cpu_throttle{{{app_selector}}}[5m])) / 100",
        RESTARTS: f"sum {_MACHINE} (resets({first_core}[1d]))",
        UP: up,
        VANISHED: f"{seen_recently} unless {up}",
    }
