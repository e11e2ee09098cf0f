"""The API answers what its document says, takes what is valid, and gives nothing away."""

from typing import Any

import pytest
from pydantic import SecretStr

from probe.web.access import Access
from probe.web.api.operations import OPERATIONS
from tests.history.incidents.samples import DEPLOY, NOTE, incident, notification
from tests.history.period_builders import NOON
from tests.web.api.serving import BEARER, LOGIN, TOKEN, Client, served

pytestmark = pytest.mark.usefixtures("leaks")
ID = incident().id


async def with_incident(client: Client) -> None:
    """An incident that lasts, a deployment before it, a note."""
    store = client.source.incidents_of
    store.keep(incident())
    store.keep_notification(ID, notification())
    assert await store.put_annotation(DEPLOY)
    assert await store.put_note(ID, NOTE)


async def test_status_checks_and_one_check() -> None:
    async with served() as client:
        await with_incident(client)
        status = await client.get("/status")
        assert (status["verdict"], status["region"]) == ("critical", "lax")
        assert [each["id"] for each in status["incidents"]] == [ID]
        [service] = status["services"]
        windows = {each["window"]: each for each in service["uptime"]["windows"]}
        assert list(windows) == ["24h", "7d", "30d", "90d"]
        day = windows["24h"]
        assert (day["down_seconds"], day["unknown_seconds"], day["gap_seconds"]) == (
            600,
            3600,
            3600,
        )
        assert day["ratio"] == pytest.approx((86400 - 7800) / (86400 - 7200))
        assert day["budget_left_ratio"] == pytest.approx(1 - 600 / (0.01 * (86400 - 7200)))
        checks = await client.get("/checks?limit=2&offset=1")
        assert (len(checks["items"]), checks["limit"], checks["offset"]) == (2, 2, 1)
        bad = await client.get("/checks?verdict=critical")
        assert {each["verdict"] for each in bad["items"]} == {"critical"}
        name = bad["items"][0]["name"]
        found = await client.get(f"/checks/{name}")
        assert found["failure"]["cause"]
        assert (await client.get("/checks?service=nothing"))["total"] == 0
        [mine] = (await client.get("/checks/health"))["incidents"]
        assert mine["id"] == ID


async def test_an_incident_has_its_timeline_and_can_be_exported() -> None:
    async with served() as client:
        await with_incident(client)
        found = await client.get(f"/incidents/{ID}")
        assert (found["state"], found["cause"], found["acknowledged"]) == (
            "open",
            "service_down",
            False,
        )
        assert [each["kind"] for each in found["timeline"]] == [
            "annotation",
            "began",
            "fired",
            "notification",
            "fired",
            "note",
        ]
        assert "deploy v1.5.0 (a1b2c3d4 by eva)" in found["timeline"][0]["text"]
        status, text, answer = await client.ask("GET", f"/api/v1/incidents/{ID}/export")
        assert (status, answer.content_type) == (200, "text/markdown")
        assert NOTE.text in text
        assert "| health | critical | 2027-01-15T08:00:00Z |" in text


async def test_notes_and_acknowledgements_are_added_and_notes_deleted() -> None:
    async with served() as client:
        await with_incident(client)
        code, note = await client.post(
            f"/incidents/{ID}/notes", {"text": "it was\n- DNS", "author": "ida", "public": True}
        )
        assert (code, note["text"]) == (201, "it was\n- DNS")
        code, taken = await client.post(f"/incidents/{ID}/acknowledgements", {"author": "ida"})
        assert (code, taken["author"]) == (201, "ida")
        found = await client.get(f"/incidents/{ID}")
        assert (found["acknowledged"], len(found["notes"])) == (True, 2)
        gone = await client.ask("DELETE", f"/api/v1/incidents/{ID}/notes/{note['id']}")
        assert gone[0] == 204
        assert len((await client.get(f"/incidents/{ID}"))["notes"]) == 1
        again = await client.ask("DELETE", f"/api/v1/incidents/{ID}/notes/{note['id']}")
        assert again[0] == 404
        assert (await client.post("/incidents/nothing/notes", {"text": "x", "author": "y"}))[
            0
        ] == 404


async def test_lists_of_incidents_are_filtered_and_paged() -> None:
    async with served() as client:
        store = client.source.incidents_of
        for number in range(5):
            since = NOON + number * 3600
            store.keep(incident(f"i{number}", since=since, ended=since + 60 if number else None))
        await client.source.history.flush()
        assert (await client.get("/incidents?state=open"))["total"] == 1
        page = await client.get("/incidents?state=resolved&limit=2&offset=1")
        assert [each["id"] for each in page["items"]] == ["i3", "i2"]
        assert page["total"] == 4
        late = await client.get("/incidents?since=2027-01-15T10:30:00Z&until=2027-01-15T11:30:00Z")
        assert [each["id"] for each in late["items"]] == ["i3", "i0"]


async def test_silences_are_added_listed_and_ended() -> None:
    async with served() as client:
        wanted = {"matchers": ["health"], "author": "eva", "comment": "moving"}
        code, made = await client.post("/silences", {**wanted, "duration_seconds": 3600})
        assert (code, made["checks"], made["alerts"]) == (201, ["health"], ["health/failing"])
        [silence] = (await client.get("/silences"))["items"]
        assert (silence["state"], silence["end"]) == ("active", "2027-01-15T09:00:00Z")
        assert (await client.get("/silences/silence-1"))["author"] == "eva"
        assert (await client.ask("DELETE", "/api/v1/silences/silence-1"))[0] == 204
        assert (await client.ask("DELETE", "/api/v1/silences/silence-1"))[0] == 404
        code, problem = await client.post(
            "/silences", {**wanted, "duration_seconds": 1, "end": "x"}
        )
        assert code == 400
        code, problem = await client.post(
            "/silences", {**wanted, "matchers": ["x"], "duration_seconds": 1}
        )
        assert (code, "matches no check" in problem["detail"]) == (400, True)
        code, problem = await client.post("/silences", {**wanted, "end": "2020-01-01T00:00:00Z"})
        assert (code, problem["errors"]) == (400, ["end: is not after start"])


async def test_annotations_have_what_grafana_asks_for() -> None:
    async with served() as client:
        code, made = await client.post(
            "/annotations", {"text": "deploy v2", "commit": "abc", "time": "2027-01-15T07:59:00Z"}
        )
        assert (code, made["time_ms"], made["tags"]) == (201, (int(NOON) - 60) * 1000, ["deploy"])
        listed = await client.get("/annotations?since=2027-01-15T07:58:00Z")
        assert [each["text"] for each in listed["items"]] == ["deploy v2"]
        assert (await client.get("/annotations?until=2027-01-15T07:58:00Z"))["total"] == 0


async def test_announcements_are_posted_and_deleted() -> None:
    async with served() as client:
        move = {"kind": "maintenance", "title": "Move", "end": "2027-01-16T00:00:00Z"}
        code, made = await client.post("/announcements", {**move, "services": ["backend"]})
        assert (code, made["start"]) == (201, "2027-01-15T08:00:00Z")
        assert [each["title"] for each in (await client.get("/status"))["announcements"]] == [
            "Move"
        ]
        assert (await client.ask("DELETE", f"/api/v1/announcements/{made['id']}"))[0] == 204
        assert (await client.get("/announcements"))["total"] == 0
        assert (await client.post("/announcements", {"kind": "maintenance", "title": "x"}))[
            0
        ] == 400


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/annotations", {}, "text: Field required"),
        ("/annotations", {"text": ""}, "text: "),
        ("/annotations", {"text": "x" * 501}, "text: "),
        ("/annotations", {"text": "a\x1b[2Jb"}, "no control"),
        ("/annotations", {"text": "a\nb"}, "one line"),
        ("/annotations", {"text": "x", "time": 5}, "ISO 8601"),
        ("/annotations", {"text": "x", "time": "9999-12-31T23:59:59Z"}, "between the years"),
        ("/annotations", {"text": "x", "link": "javascript:alert(1)"}, "https://"),
        ("/annotations", {"text": "x", "more": 1}, "more: "),
        ("/annotations", {"text": "x", "kind": "Two Words"}, "kind: "),
        ("/annotations", [], ""),
        ("/annotations", "x", ""),
        (f"/incidents/{ID}/notes", {"text": "x" * 20_001, "author": "a"}, "text: "),
        (f"/incidents/{ID}/notes", {"text": "x", "author": "a", "public": 1}, "public: "),
        ("/silences", {"matchers": [], "author": "a", "comment": "b", "duration_seconds": 1}, ""),
        (
            "/silences",
            {"matchers": ["a"], "author": "a", "comment": "b", "duration_seconds": 1e300},
            "duration_seconds",
        ),
    ],
)
async def test_what_is_invalid_is_named(path: str, body: Any, error: str) -> None:
    async with served() as client:
        await with_incident(client)
        code, problem = await client.post(path, body)
        assert code == 400, problem
        assert (problem["status"], problem["title"]) == (400, "Bad Request")
        assert any(error in each for each in problem["errors"]), problem


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "offset=-1",
        "more=1",
        "limit=1&limit=2",
        "since=yesterday",
    ],
)
async def test_a_query_has_bounds(query: str) -> None:
    async with served() as client:
        status, problem, answer = await client.ask("GET", f"/api/v1/incidents?{query}")
        assert (status, answer.content_type) == (400, "application/problem+json")
        assert problem["errors"]


async def test_bodies_are_bounded_and_json() -> None:
    async with served() as client:
        big = await client.ask("POST", "/api/v1/annotations", {"text": "x" * 300_000})
        assert big[0] == 413
        for data, kind, code in (
            (b'{"text": "x"}', "text/plain", 415),
            (b"{", "application/json", 400),
            (b"[" * 250_000, "application/json", 400),
            (b"\xff\xfe", "application/json", 400),
        ):
            headers = {**BEARER, "Content-Type": kind}
            status, problem, _ = await client.ask(
                "POST", "/api/v1/annotations", data=data, headers=headers
            )
            assert (status, problem["status"]) == (code, code)


async def test_unknown_paths_and_methods_are_problems() -> None:
    async with served() as client:
        status, problem, answer = await client.ask("GET", "/api/v1/nothing")
        assert (status, answer.content_type) == (404, "application/problem+json")
        status, problem, answer = await client.ask("PUT", "/api/v1/status")
        assert (status, problem["status"]) == (405, 405)
        assert "GET" in answer.headers["Allow"]
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}])
async def test_without_the_token_nothing_is_given_away_or_changed(headers: dict[str, str]) -> None:
    async with served() as client:
        await with_incident(client)
        for operation in OPERATIONS:
            path = f"/api/v1{operation.path}".replace("{id}", ID).replace("{name}", "health")
            path = path.replace("{note}", NOTE.id)
            status, problem, answer = await client.ask(
                operation.method, path, {} if operation.body else None, headers=headers
            )
            assert (status, answer.content_type) in (
                (401, "application/problem+json"),
                (429, "application/problem+json"),
            )
            assert TOKEN not in str(problem)
            assert "redis" not in str(problem)
        assert len((await client.source.incidents_of.list(0.0, NOON * 2))[0].notes) == 1


async def test_a_login_of_the_pages_reads_and_does_not_write() -> None:
    async with served() as client:
        await with_incident(client)
        status, _, _ = await client.ask("GET", "/api/v1/incidents", headers=LOGIN)
        assert status == 200
        status, _, _ = await client.ask("POST", "/api/v1/annotations", {"text": "x"}, headers=LOGIN)
        assert status == 401


async def test_without_any_token_nothing_can_be_changed() -> None:
    async with served(token=None, login=False) as client:
        status, problem, _ = await client.ask(
            "POST", "/api/v1/annotations", {"text": "x"}, headers={}
        )
        assert (status, "PROBE_API_TOKEN" in problem["detail"]) == (403, True)
        assert (await client.ask("GET", "/api/v1/status", headers={}))[0] == 200


async def test_what_is_not_stored_yet_is_said() -> None:
    async with served() as client:
        client.source.storing = False
        code, problem = await client.post("/annotations", {"text": "x"})
        assert (code, "the disk is full" in problem["detail"]) == (503, True)
        code, problem = await client.post(
            "/silences",
            {"matchers": ["health"], "author": "a", "comment": "b", "duration_seconds": 9},
        )
        assert (code, "lost on a restart" in problem["detail"]) == (503, True)


def test_the_token_of_the_api_opens_nothing_else() -> None:
    access = Access("ops", SecretStr("secret"), api_token=SecretStr(TOKEN))
    assert access.allows("/api/v1/status", f"Bearer {TOKEN}")
    assert not access.allows("/", f"Bearer {TOKEN}")
    assert not access.allows("/metrics", f"Bearer {TOKEN}")
    assert not access.allows("/api/v1/status", "Bearer x")
