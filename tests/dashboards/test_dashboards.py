"""Dashboards are what is committed, show every signal with its limits, and keep conventions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build import FOLDER, generated_files
from dashboards.dashboards import boards
from dashboards.grafana import as_json, every_panel
from dashboards.model import Dashboard as Board
from dashboards.model import PanelType
from dashboards.signal_panels import board_of, steps_of, title_of
from probe.core.model import Limits, Signal, Threshold, Unit
from probe.kinds import KINDS
from tests.command import probe
from tests.fake_kind import TOY_SECONDS, toy_kind

SPEED = Signal("probe_toy_speed_ratio", Unit.RATIO, "How fast.", labels=("wheel",))
LIMIT = Threshold(SPEED, Limits(objective=0.1, warning=0.2, critical=0.3))
NEW = toy_kind(signals=(TOY_SECONDS, SPEED), thresholds=(LIMIT,))
BOARDS = boards(KINDS)
DOCUMENTS = {board.uid: json.loads(as_json(board)) for board in BOARDS}
every_board = pytest.mark.parametrize("uid", DOCUMENTS)


def panels(uid: str) -> list[dict[str, Any]]:
    """All panels that draw something."""
    return [panel for panel in every_panel(DOCUMENTS[uid]) if panel["type"] != "row"]


def expressions(board: Board) -> str:
    """Everything that a dashboard asks."""
    return "\n".join(query.expr for panel in board.panels for query in panel.queries)


def test_the_committed_files_are_what_is_made() -> None:
    files = generated_files(KINDS)
    there = {path.name for path in (*FOLDER.glob("*.json"), *FOLDER.glob("*.yml"))}
    assert there == set(files)
    for name, text in files.items():
        same = (FOLDER / name).read_text(encoding="utf-8") == text
        assert same, f"{name} is not what signals and thresholds give: make dashboards"


def test_every_signal_is_on_the_dashboard_of_its_kind_with_its_limits() -> None:
    kinds = (*KINDS, NEW)
    found = {board.uid: board for board in boards(kinds)}
    for kind in kinds:
        for signal in kind.signals:
            here = [
                panel
                for panel in found[board_of(kind, signal)].panels
                if any(
                    re.search(rf'\b{signal.name}{{kind="{kind.name}"', query.expr)
                    for query in panel.queries
                )
            ]
            assert here, f"{kind.name}: {signal.name} is on no dashboard"
            threshold = next((each for each in kind.thresholds if each.signal == signal), None)
            assert here[0].thresholds == steps_of(threshold)


def test_a_new_kind_is_seen_without_a_line_here() -> None:
    found = {board.uid: board for board in boards((*KINDS, NEW))}
    panel = next(
        panel for panel in found["probe-infrastructure"].panels if panel.title == title_of(SPEED)
    )
    assert panel.title == "Toy speed"
    assert panel.unit == "percentunit"
    assert [value for value, _ in panel.thresholds] == [None, 0.1, 0.2, 0.3]
    assert "{{wheel}}" in panel.queries[0].legend
    assert "toy" in expressions(found["probe-overview"])


@every_board
def test_it_imports_anywhere(uid: str) -> None:
    document = DOCUMENTS[uid]
    assert document["id"] is None
    assert re.fullmatch(r"[a-z-]{1,40}", document["uid"])
    assert document["schemaVersion"] == 42
    numbers = [panel["id"] for panel in every_panel(document)]
    assert len(set(numbers)) == len(numbers)
    again = Dashboard.from_json(document)
    assert again.uid == uid
    assert again.panels is not None
    assert len(again.panels) == len(document["panels"])


@every_board
def test_every_panel_says_what_it_shows_in_which_unit(uid: str) -> None:
    assert DOCUMENTS[uid]["title"]
    assert DOCUMENTS[uid]["description"]
    for panel in panels(uid):
        assert panel["title"]
        assert len(panel["description"]) > 10
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None


@every_board
def test_panels_do_not_overlap_and_stay_within_the_width(uid: str) -> None:
    document = DOCUMENTS[uid]
    no_overlap(document["panels"])
    for row in document["panels"]:
        no_overlap(row.get("panels", []))


def no_overlap(found: list[dict[str, Any]]) -> None:
    """Every panel has its own place within 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@every_board
def test_it_is_chosen_what_is_shown(uid: str) -> None:
    document = DOCUMENTS[uid]
    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert {"datasource", "job", "region", "check", "status"} <= set(variables)
    assert ("provider" in variables) == (uid == "probe-turn")
    for panel in panels(uid):
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
    for name in (set(variables) - {"datasource", "status"}) if panels(uid) else ():
        # What has no such label is another exporter's.
        assert variables[name]["allValue"] == (".*" if name == "provider" else ".+")
        assert f'{name}=~"${name}"' in json.dumps(document).replace('\\"', '"')
    page, boards_ = document["links"]
    assert (page["url"], boards_["tags"]) == ("${status}", document["tags"])
    names = [each["name"] for each in document["annotations"]["list"]]
    assert {"Failures", "Recoveries", "Incidents", "Deployments"} < set(names)


@every_board
def test_rates_follow_the_width_of_the_screen(uid: str) -> None:
    for panel in panels(uid):
        for target in panel["targets"]:
            windows = re.findall(r"\[([^\]]+)\]", target["expr"])
            fixed = {"30d", "1d", "1h", "$__range", "$__rate_interval"}
            if panel["type"] == "state-timeline":
                # The worst of each step: what is between two of them is not hidden.
                fixed.add("$__interval")
            assert set(windows) <= fixed


def test_links_between_dashboards_lead_somewhere() -> None:
    text = json.dumps(DOCUMENTS)
    targets = set(re.findall(r"/d/([\w-]+)\?", text))
    assert {"probe-signaling", "probe-turn"} <= targets <= set(DOCUMENTS)


async def test_the_command_lists_prints_and_writes_them(tmp_path: Path) -> None:
    listed = await probe("dashboards", cwd=tmp_path)
    assert [line.split()[0] for line in listed.out.splitlines()] == sorted(DOCUMENTS)
    printed = await probe("dashboards", "probe-turn", cwd=tmp_path)
    assert json.loads(printed.out) == DOCUMENTS["probe-turn"]
    written = await probe("dashboards", "--output", ".", cwd=tmp_path)
    assert (listed.code, printed.code, written.code) == (0, 0, 0)
    assert written.out.count(".json") == len(DOCUMENTS)
    for uid, document in DOCUMENTS.items():
        assert json.loads((tmp_path / f"{uid}.json").read_text()) == document
    made = await probe("dashboards", "--output", "new/grafana/", cwd=tmp_path)
    assert (made.code, len(list((tmp_path / "new/grafana").iterdir()))) == (0, len(DOCUMENTS))
    (tmp_path / "file").touch()
    refused = await probe("dashboards", "--output", "file/grafana", cwd=tmp_path)
    assert refused.code == 74
    assert "file/grafana can't be made" in refused.err
    wrong = await probe("dashboards", "nonsense", cwd=tmp_path)
    assert wrong.code == 64
    assert "no dashboard nonsense; known: probe-infrastructure" in wrong.err


async def test_rules_need_no_configuration(tmp_path: Path) -> None:
    files = generated_files(KINDS)
    assert (await probe("rules", cwd=tmp_path)).out == files["rules.yml"]
    assert (await probe("rules", "--alertmanager", cwd=tmp_path)).out == files["alertmanager.yml"]
    done = await probe("rules", "--output", "mine.yml", cwd=tmp_path)
    assert (done.code, (tmp_path / "mine.yml").read_text()) == (0, files["rules.yml"])
    refused = await probe("rules", "--output", "no-such-folder/mine.yml", cwd=tmp_path)
    assert refused.code == 74
    assert "can't be written" in refused.err


def test_rows_are_repeated_by_what_variables_choose() -> None:
    repeated = {
        uid: [panel["repeat"] for panel in document["panels"] if panel.get("repeat")]
        for uid, document in DOCUMENTS.items()
    }
    assert repeated["probe-turn"] == ["provider", "transport"]
    assert repeated["probe-overview"] == ["service"]
    for uid, names in repeated.items():
        variables = {each["name"] for each in DOCUMENTS[uid]["templating"]["list"]}
        assert set(names) <= variables
        for row in (each for each in DOCUMENTS[uid]["panels"] if each.get("repeat")):
            asked = [target["expr"] for each in row["panels"] for target in each["targets"]]
            assert all(f"${row['repeat']}" in expr for expr in asked)


def test_what_a_pipeline_has_pushed_is_no_state_of_a_check() -> None:
    shares = [
        query.expr
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
        if re.search(r"(min|sum|count)_over_time\(probe_success", query.expr)
    ]
    assert shares
    without = "unless on (job, instance, region) probe_pushed_timestamp_seconds"
    assert all(without in expr for expr in shares)


def test_a_check_over_time_links_to_its_runs() -> None:
    links = [
        link["url"]
        for panel in panels("probe-overview")
        for link in panel["fieldConfig"]["defaults"].get("links", [])
    ]
    assert "${status}checks/${__field.labels.check}" in links


def test_a_panel_that_may_stay_empty_says_why() -> None:
    """What no check is configured for is no fault; a table would show it in each empty cell."""
    shown = [panel for board in BOARDS for panel in board.panels]
    assert not [panel.title for panel in shown if panel.empty and panel.shape is PanelType.TABLE]
    (detail,) = {panel.empty for panel in shown if panel.title == "TURN relay RTT max"}
    assert detail == "Exported with PROBE_METRICS=full"
    signals = [panel for panel in shown if panel.title.startswith("Redis ")]
    assert {panel.empty for panel in signals} >= {"No redis check has measured this"}
    assert all(panel.empty for panel in signals)
    texts = {panel.title: panel.empty for panel in shown}
    assert texts["Heartbeat"] == "PROBE_HEARTBEAT_URL is not set"
    assert texts["Causes"] == "Nothing fails"
