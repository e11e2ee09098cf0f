"""A scraper gets a format that is really written, whatever its Accept header looks like."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from probe.core.causes import Cause
from probe.core.model import Status
from probe.exporter.exposition import expose_result
from probe.metrics.exporter import Exporter, expose
from tests.fake_kind import result_of, toy

OPEN, PLAIN = "application/openmetrics-text; version=1.0.0", "text/plain; version="
# Prometheus 2.42's, and 3's, which prefers protobuf where it takes native histograms.
OLD = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
NEW = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
HEADERS = {
    OLD: OPEN,
    NEW: OPEN,
    'application/openmetrics-text; version="1.0.0"': OPEN,
    "Application/OpenMetrics-Text ; Version=1.0.0": OPEN,
    "application/openmetrics-text": OPEN,
    "application/openmetrics-text;version=2.0.0": OPEN,
    "application/openmetrics-text;version=99.0": OPEN,
    "application/openmetrics-text;version=1.0.0;escaping=nonsense": OPEN,
    "application/openmetrics-text;version=0.0.1": PLAIN,
    "application/openmetrics-text;version=1.0.0;q=0, text/plain": PLAIN,
    "application/openmetrics-text;version=abc": PLAIN,
    "application/openmetrics-text;version=-1": PLAIN,
    f"application/openmetrics-text;version={'9' * 5000}": PLAIN,
    "text/plain;version=1.a": PLAIN,
    "text/plain;version=1.0.0;escaping=allow-utf-8": PLAIN,
    "text/html, */*;q=0.8": PLAIN,
    ";;;,,,=,;version=1": PLAIN,
    "": PLAIN,
    "text/plain, application/openmetrics-text;version=1.0.0;q=0.1": PLAIN,
    "application/openmetrics-text;version=1.0.0;q=0.1, text/plain;version=1.0.0;q=0.2": PLAIN,
    "application/openmetrics-text;version=1.0.0;q=0.1, text/*;q=0.5": PLAIN,
    "application/openmetrics-text;version=1.0.0;q=0.2, */*;q=0.1": OPEN,
    "text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.5": OPEN,
    "text/plain, application/openmetrics-text;version=1.0.0;q=nonsense": OPEN,
    "text/plain;q=0.000, application/openmetrics-text;version=1.0.0;q=0.001": OPEN,
}
ESCAPINGS = ("allow-utf-8", "underscores", "dots", "values")


@pytest.mark.parametrize("accept", HEADERS, ids=lambda accept: accept[:50])
def test_the_format_is_one_that_is_written(accept: str) -> None:
    exporter = Exporter(region="lax")
    exporter.set_checks([toy("toy")])
    exporter.observe(result_of("toy", Status.OK, Cause.HTTP_STATUS))
    result = result_of("toy", Status.OK, Cause.HTTP_STATUS)
    for body, content_type in (
        expose(exporter, CollectorRegistry(), accept),
        expose_result(result, accept),
    ):
        assert content_type.startswith(HEADERS[accept])
        is_open = HEADERS[accept] == OPEN
        assert body.endswith(b"# EOF\n") == is_open
        if is_open:
            text = body.decode()
            assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("escaping", ESCAPINGS)
@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_the_escaping_that_is_asked_for_is_named(kind: str, escaping: str) -> None:
    # No name of a metric here needs one, so that what is written is the same for all.
    accept = f"text/plain;q=0.1,{kind};version=1.0.0;escaping={escaping};q=0.9"
    body, content_type = expose(Exporter(region="lax"), CollectorRegistry(), accept)
    assert content_type == f"{kind}; version=1.0.0; charset=utf-8; escaping={escaping}"
    assert body in (b"", b"# EOF\n")
