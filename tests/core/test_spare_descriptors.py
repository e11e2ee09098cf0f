"""What is loaded late is loaded when no descriptor is left, and fails clearly when it can't be."""

import subprocess
import sys

_EXHAUSTED = """
import os, resource, sys
from alerts.runbooks import page
from probe.core.resources import SPARE
from probe.daemon.self_monitoring.shipped import read_shipped
from probe.report.html import runbook_page
read_shipped([])
if sys.argv[1] == "none":
    # Whoever borrows them and has none left puts none back.
    with SPARE.lent():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 32))
assert not {"jinja2", "markdown_it"} & set(sys.modules)
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
try:
    while True:
        os.open(os.devnull, os.O_RDONLY)
except OSError as error:
    print(error.strerror)
runbook = page(sys.argv[2])
print(runbook_page.render(runbook.title, runbook.text)[0].count("<h2>") > 2)
"""


def _render(spare: str) -> subprocess.CompletedProcess[str]:
    from alerts.runbooks import slugs

    command = [sys.executable, "-c", _EXHAUSTED, spare, slugs()[0]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_page_is_rendered_for_the_first_time_when_no_descriptor_is_left() -> None:
    assert _render("some").stdout.split("\n")[:2] == ["Too many open files", "True"]


def test_what_cannot_be_loaded_is_an_error_that_says_why() -> None:
    done = _render("none")
    assert done.returncode == 1
    assert "Too many open files" in done.stderr.splitlines()[-1]
