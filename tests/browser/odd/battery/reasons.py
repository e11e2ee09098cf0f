"""Rows in which Chromium and the checks differ, and why."""

_FLOODS = "a check ends what sends thousands of frames"
WHY: dict[str, str] = {
    "beside a reply: 1,000 events": _FLOODS,
}
