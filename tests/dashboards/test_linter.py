"""The rules of Grafana's dashboard-linter, by their names there (its folder docs/rules). Of two of
them there is an exception, with its reason.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import requirements
from tests.dashboards.scene import asked
from tests.dashboards.test_dashboards import DOCUMENTS, every_board, panels

EXCEPTIONS = {
    "template-instance-rule": "a probe's region is its instance, and has a variable",
    "target-instance-rule": "selectors narrow to regions, which outlive instances",
}
# A metric with its selector; functions and words of PromQL have none.
_SELECTOR = re.compile(r"\b((?:probe|process)_[a-z0-9_]+|up|ALERTS)\b(\{[^}]*\})?")
_LABELS = re.compile(r"\b(?:by|on|group_left|group_right|without|ignoring)\s*\([^)]*\)")


def variables(uid: str) -> dict[str, dict[str, Any]]:
    """The variables of a dashboard by their names."""
    return {each["name"]: each for each in DOCUMENTS[uid]["templating"]["list"]}


def expressions(uid: str) -> list[str]:
    """Everything that a dashboard's panels ask."""
    return [target["expr"] for panel in panels(uid) for target in panel["targets"]]


@every_board
def test_template_datasource_and_job_rules(uid: str) -> None:
    found = variables(uid)
    assert found["datasource"]["type"] == "datasource"
    assert found["datasource"]["query"] == "prometheus"
    assert found["datasource"]["label"] == "Data source"
    job = found["job"]
    assert (job["type"], job["label"], job["multi"]) == ("query", "Job", True)
    assert (job["allValue"], job["datasource"]["uid"]) == (".+", "${datasource}")


@every_board
def test_template_on_time_change_reload_rule(uid: str) -> None:
    for each in variables(uid).values():
        assert each["type"] == "datasource" or each["refresh"] == 2


@every_board
def test_uneditable_dashboard_rule(uid: str) -> None:
    assert DOCUMENTS[uid]["editable"] is False


@every_board
def test_panel_title_description_units_and_targets_rules(uid: str) -> None:
    for panel in panels(uid):
        assert panel["title"]
        assert panel["description"]
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]


@every_board
def test_no_two_panels_of_a_row_have_one_title(uid: str) -> None:
    row: list[str] = []
    for panel in [*DOCUMENTS[uid]["panels"], {"type": "row", "title": ""}]:
        if panel["type"] != "row":
            row.append(panel["title"])
            continue
        assert len(set(row)) == len(row), row
        row = []
        inner = [each["title"] for each in panel.get("panels", [])]
        assert len(set(inner)) == len(inner), inner


@every_board
def test_target_job_rule(uid: str) -> None:
    for expr in expressions(uid):
        for name, selector in _SELECTOR.findall(_LABELS.sub("", re.sub(r'"[^"$]*"', '""', expr))):
            assert 'job=~"$job"' in selector, f"{name} in {expr}"


@every_board
def test_target_rate_interval_and_counter_rules(uid: str) -> None:
    for expr in expressions(uid):
        for window in re.findall(r"\bi?rate\([^[]*\[([^\]]+)\]", expr):
            assert window == "$__rate_interval", expr
        for counter in re.finditer(r"\b\w+_total\b", expr):
            assert re.search(r"(rate|increase|irate)\($", expr[: counter.start()]), expr


def test_target_promql_rule(tmp_path: Path) -> None:
    """Each expression of panels, annotations and variables is one to promtool, as a rule."""
    program = requirements.program("promtool", part="prometheus")
    found = {expr for uid in DOCUMENTS for expr in expressions(uid)}
    for document in DOCUMENTS.values():
        found |= {each["expr"] for each in document["annotations"]["list"]}
    rules = [
        {"record": f"probe:x:{index}", "expr": asked(expr)} for index, expr in enumerate(found)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    command = [program, "check", "rules", "rules.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_exceptions_have_their_reasons() -> None:
    assert all(EXCEPTIONS.values())
    assert "instance" not in variables("probe-overview")


@pytest.mark.parametrize("title", ["Failing", "Silent regions"])
def test_nothing_is_green_without_a_probe(title: str) -> None:
    (panel,) = [each for each in panels("probe-overview") if each["title"] == title]
    (target,) = panel["targets"]
    assert target["expr"].endswith("or vector(-1)")
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] == "red"


def test_what_fails_is_on_the_first_screen_with_since_and_links() -> None:
    table = next(each for each in panels("probe-overview") if each["type"] == "table")
    assert table["title"] == "What fails and why"
    assert table["gridPos"]["y"] <= 6
    organized = table["transformations"][-1]["options"]
    assert organized["renameByName"]["Value"] == "Since"
    links = table["fieldConfig"]["overrides"][0]["properties"][0]["value"]
    assert [each["title"] for each in links] == ["Runbook", "Status page"]
