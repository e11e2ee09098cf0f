"""Targets from file_sd and HTTP SD become checks; what can't be read keeps what it gave."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from probe.config.discovery.reading import Discovery
from probe.config.settings import Settings, load_settings
from probe.config.shard import Shard, shard_of
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS

TOML = """
[[discovery]]
kind = "http"
files = ["targets/*.json", "targets/*.yml"]
check = { url = "https://{target}/health", interval = 30 }
"""
GROUPS = [
    {"targets": ["a.example.org", "b.example.org:8443"], "labels": {"team": "web"}},
    {"targets": ["c.example.org"], "labels": {"__probe_interval": "60", "__meta_x": "y"}},
]


class Place:
    """A folder with ``probe.toml`` and targets, read again and again by one process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.known = folder, Discovery()
        (folder / "targets").mkdir()
        self.write("probe.toml", TOML)

    def write(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def read(self, **environ: str) -> Settings:
        variables = {"PROBE_CONFIG": str(self.folder / "probe.toml"), **environ}
        return load_settings(KINDS, variables, env_file=None, known=self.known)

    def names(self, **environ: str) -> list[str]:
        return [check.name for check in self.read(**environ).plan.checks]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_each_target_is_a_check_with_the_keys_of_its_entry_and_its_labels(place: Place) -> None:
    place.write("targets/web.json", GROUPS)
    checks = {check.name: check for check in place.read().plan.checks}
    assert len(checks) == 3
    first = checks["http-a.example.org"]
    assert first.table.target == "https://a.example.org/health"
    assert first.interval == 30
    assert first.table.target_labels == {"team": "web"}
    third = checks["http-c.example.org"]
    assert third.interval == 60
    assert third.table.target_labels == {}
    assert any(name.startswith("http-b.example.org-8443-") for name in checks)


def test_json_and_yaml_are_read_and_a_target_counts_once(place: Place) -> None:
    place.write("targets/web.json", GROUPS)
    place.write("targets/more.yml", "- targets: [a.example.org, d.example.org]\n")
    place.write("targets/none.yml", "")
    settings = place.read()
    assert len(settings.plan.checks) == 4
    assert settings.discovered.problems == ("1 targets are listed twice: the first counts",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[{", "is not valid JSON"),
        ('{"targets": []}', "must be a list of groups"),
        ('[{"targets": "a"}]', "targets must be a list of texts"),
        ('[{"targets": [1]}]', "targets must be a list of texts"),
        ('[{"targets": [], "labels": {"a-b": "c"}}]', "label names"),
        ('[{"targets": [], "labels": {"a": {"b": "c"}}}]', "labels must be texts"),
        ('[{"target": ["a"]}]', '"targets" and "labels" alone'),
        ("[" * 100_000, "is not valid JSON"),
        ("\xff\xfe", "utf-8"),
    ],
)
def test_a_bad_file_keeps_its_last_targets_and_is_reported(
    place: Place, content: str, problem: str
) -> None:
    path = place.write("targets/web.json", GROUPS)
    before = place.names()
    path.write_bytes(content.encode("latin-1"))
    settings = place.read()
    assert [check.name for check in settings.plan.checks] == before
    (said,) = settings.discovered.problems
    assert str(path) in said
    assert "its last targets are kept" in said
    place.known.groups.clear()
    assert place.names() == []


def test_a_target_that_is_none_is_left_out_and_named_without_its_password(place: Place) -> None:
    group = {"targets": ["fine.example.org", "joe:hunter2@not good"], "labels": {}}
    place.write("targets/web.json", [group])
    settings = place.read()
    assert [check.name for check in settings.plan.checks] == ["http-fine.example.org"]
    (said,) = settings.discovered.problems
    assert 'key "url"' in said
    assert "hunter2" not in said


def test_files_that_come_change_and_go_are_seen(place: Place) -> None:
    settings = place.read()
    seen = [settings.discovered.stamp()]
    path = place.write("targets/web.json", GROUPS)
    seen.append(settings.discovered.stamp())
    place.write("targets/web.json", GROUPS[:1])
    seen.append(settings.discovered.stamp())
    path.unlink()
    seen.append(settings.discovered.stamp())
    assert seen[0] == seen[3]
    assert len({str(each) for each in seen}) == 3
    assert place.names() == []


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[[discovery]]\nkind = "http"', "either files or url"),
        ('[[discovery]]\nkind = "htp"\nfiles = ["a"]', "write one of"),
        ('[[discovery]]\nkind = "fly"\nfiles = ["a"]', "write one of"),
        ('[[discovery]]\nkind = "http"\nfile = ["a"]', '"file"'),
        ('[[discovery]]\nkind = "http"\nurl = "ftp://a"', "web address"),
        ('[[discovery]]\nkind = "http"\nurl = "http://a"\ntoken_from = "NONE"', "is not set"),
        ("[discovery]\nkind = 3", "[[discovery]]"),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_it(place: Place, toml: str, problem: str) -> None:
    place.write("probe.toml", toml)
    with pytest.raises(ConfigurationError) as caught:
        place.read()
    assert problem in str(caught.value)


class Endpoint(HTTPServer):
    """An HTTP SD endpoint; ``answer`` is status and body."""

    answer: tuple[int, Any] = (200, GROUPS)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.heads: list[dict[str, str]] = []


class Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Endpoint)
        self.server.heads.append(dict(self.headers.items()))
        status, body = self.server.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_endpoint_is_asked_as_prometheus_asks_and_keeps_its_last_answer(
    place: Place, endpoint: Endpoint
) -> None:
    place.write(
        "probe.toml",
        f"""
        [[discovery]]
        kind = "http"
        url = "http://127.0.0.1:{endpoint.server_port}/targets"
        token_from = "SD_TOKEN"
        refresh_interval = 30
        check = {{ url = "https://{{target}}/" }}
        """,
    )
    first = place.names(SD_TOKEN="hunter22")
    assert len(first) == 3
    head = endpoint.heads[0]
    assert head["Authorization"] == "Bearer hunter22"
    assert head["X-Prometheus-Refresh-Interval-Seconds"] == "30"
    answers: tuple[tuple[int, object], ...] = ((503, []), (200, {"no": "list"}))
    for answer in answers:
        endpoint.answer = answer
        settings = place.read(SD_TOKEN="hunter22")
        assert [check.name for check in settings.plan.checks] == first
        assert "its last targets are kept" in settings.discovered.problems[0]
        assert "hunter22" not in settings.discovered.problems[0]
    assert settings.discovered.refresh == 30


def test_an_endpoint_that_is_away_at_the_start_keeps_no_probe_from_starting(place: Place) -> None:
    place.write("probe.toml", '[[discovery]]\nkind = "http"\nurl = "http://127.0.0.1:9/"')
    settings = place.read()
    assert settings.plan.checks == ()
    assert settings.plan.may_be_empty
    assert "can't be reached" in settings.discovered.problems[0]


NAMES = [f"http-{number}.example.org" for number in range(2000)]


def test_every_check_has_one_shard_and_the_shards_are_of_one_size() -> None:
    counts = [sum(Shard(number, 4).runs(name) for name in NAMES) for number in range(4)]
    assert sum(counts) == len(NAMES)
    assert all(400 < count < 600 for count in counts)


def test_one_more_shard_moves_only_its_own_share() -> None:
    moved = [name for name in NAMES if shard_of(name, 4) != shard_of(name, 5)]
    assert all(shard_of(name, 5) == 4 for name in moved)
    assert 300 < len(moved) < 500


@pytest.mark.parametrize("text", ["4/4", "-1/4", "1", "a/b", "1/0", "0/00000"])
def test_what_is_no_shard_is_refused(place: Place, text: str) -> None:
    with pytest.raises(ConfigurationError, match="write"):
        place.read(PROBE_SHARD=text)


def test_a_shard_runs_its_part_of_the_plan_and_every_reference(place: Place) -> None:
    targets = [f"{number}.example.org" for number in range(40)]
    place.write("targets/web.json", [{"targets": targets}])
    references = {"PROBE_REFERENCES": "https://one.example.net,https://two.example.net"}
    whole = set(place.names(**references))
    parts = [set(place.names(PROBE_SHARD=f"{number}/3", **references)) for number in range(3)]
    assert set.union(*parts) == whole
    assert set.intersection(*parts) == {"reference-1", "reference-2"}
    assert sum(map(len, parts)) == len(whole) + 4
    skipped = place.read(PROBE_SHARD="0/3").plan.skipped
    assert any("runs on another shard (PROBE_SHARD=0/3)" in each.reason for each in skipped)
