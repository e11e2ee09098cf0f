"""Whatever is served as metrics is read, or refused with a cause: nothing else comes out."""

import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.telemetry.exposition import parse, read_exposition

GOOD = b"""\
# HELP video_chat_errors_total Errors
# TYPE video_chat_errors_total counter
video_chat_errors_total{error_type="time\\"out",component="a,b"} 3
video_chat_errors_total{error_type="x"} NaN
video_chat_queue_length 4 1700000000000
other_things 9
"""


async def test_numbers_of_the_wanted_families_are_read() -> None:
    found = await parse(GOOD, "it", ("video_chat_",))
    assert found.values == {
        ("video_chat_errors_total", (("component", "a,b"), ("error_type", 'time"out'))): 3.0,
        ("video_chat_queue_length", ()): 4.0,
    }
    assert found.sum("video_chat_errors_total") == 3
    assert found.sum("video_chat_rate_limit_hits_total") is None


async def _read_or_refused(body: bytes) -> None:
    with suppress(NotMeasured):
        await parse(body, "it", ("a", "video_chat_"))


async def test_what_is_refused_has_a_cause() -> None:
    with pytest.raises(NotMeasured, match="another form") as raised:
        await parse(b"<html>", "it", ("a",))
    assert raised.value.cause is Cause.BODY_INVALID


@given(st.binary(max_size=300))
async def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    await _read_or_refused(body)


@given(st.text(alphabet='a{}="\\,. #\n1eNTYPHL_+-', max_size=60))
async def test_anything_like_metrics_is_read_or_refused(text: str) -> None:
    await _read_or_refused(text.encode())


@pytest.mark.parametrize("cut", range(0, len(GOOD), 7))
async def test_metrics_that_break_off_are_read_or_refused(cut: int) -> None:
    await _read_or_refused(GOOD[:cut])


# Two underscores in front are reserved: prometheus_client refuses them.
_NAMES = st.from_regex(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True)
_VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@given(
    _NAMES,
    st.dictionaries(_NAMES.filter(lambda name: name != "le"), _VALUES, max_size=4),
    st.floats(allow_nan=False, allow_infinity=False),
)
async def test_a_sample_is_read_as_prometheus_client_reads_it(
    name: str, labels: dict[str, str], value: float
) -> None:
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    body = f"{name}{{{inner}}} {value!r}\n"
    (family,) = text_string_to_metric_families(body)
    (sample,) = family.samples
    found = await parse(body.encode(), "it", (name,))
    expected = (sample.name, tuple(sorted(sample.labels.items())))
    assert found.values == {expected: sample.value}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'a{b="' + b'\\"' * 2_000_000 + b'"} 1', "line 1 has 4000009 bytes"),
        (b"a 1\n" * 100_001, "more than 100000 lines"),
        (b"ok 1\n# TYPE \x1f counter\n", "line 2"),
        (b"ok 1\nok{\n", "line 2"),
    ],
)
async def test_what_is_refused_is_named_by_its_place(body: bytes, words: str) -> None:
    with pytest.raises(NotMeasured, match=words):
        await parse(body, "it", ("a",))


async def test_a_scrape_whose_check_was_cut_off_is_read_no_further() -> None:
    stop = threading.Event()
    stop.set()
    assert read_exposition(b"a 1\n" * 1000, ("a",), stop) == {}
