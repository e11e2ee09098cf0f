"""Whatever is served as metrics is read, or refused with a cause: nothing else comes out."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.telemetry.exposition import parse

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
