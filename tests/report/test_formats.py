"""The registry of formats."""

import subprocess
import sys

import pytest

from probe.report.formats import FORMATS, Style
from tests.report import samples


def test_there_is_one_entry_for_each_format_of_the_command_line() -> None:
    assert list(FORMATS) == ["table", "json", "junit", "github"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample", samples.SAMPLES)
def test_a_format_is_text_that_ends_a_line_and_is_the_same_each_time(
    name: str, sample: samples.Sampler
) -> None:
    text = FORMATS[name](sample(), Style())
    assert text.endswith("\n")
    assert text == FORMATS[name](sample(), Style())


def test_rich_is_loaded_for_the_table_only() -> None:
    script = (
        "import sys; from tests.report import samples; from probe.report.formats import *\n"
        "for name in ('json', 'junit'): FORMATS[name](samples.all_ok(), Style())\n"
        "from probe.report.ci import github; github.summary(samples.all_ok())\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
