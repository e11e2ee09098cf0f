"""The table of what is sent in each scenario, as the documentation shows it."""

from pathlib import Path

import pytest

from tests.alerts.scenario_table import as_markdown


@pytest.mark.proof
def test_the_documentation_shows_what_is_sent_in_each_scenario() -> None:
    page = Path(__file__).parents[2] / "docs" / "alerting.md"
    assert as_markdown() in page.read_text(encoding="utf-8")
