"""The OpenAPI document says what there is."""

import json
from typing import Any

import jsonschema_rs
import pytest

from probe.web.api.handlers import ApiHandlers
from probe.web.api.openapi import document
from probe.web.api.operations import OPERATIONS
from tests.history.incidents.samples import incident, notification
from tests.web.api.serving import served


def read() -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = json.loads(document("1.2.3"))
    return found


def test_every_operation_is_described_and_handled() -> None:
    found = read()
    assert found["openapi"].startswith("3.1")
    for operation in OPERATIONS:
        described = found["paths"][operation.path][operation.method.lower()]
        assert described["operationId"] == operation.name
        assert str(operation.status) in described["responses"]
        assert callable(getattr(ApiHandlers, operation.name))
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    text = document("1.2.3")
    schemas = read()["components"]["schemas"]
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= schemas.keys()


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/status", "/status"),
        ("/checks", "/checks"),
        ("/checks/health", "/checks/{name}"),
        ("/incidents", "/incidents"),
        (f"/incidents/{incident().id}", "/incidents/{id}"),
        ("/silences", "/silences"),
        ("/annotations", "/annotations"),
        ("/announcements", "/announcements"),
    ],
)
async def test_answers_follow_the_document(path: str, operation: str) -> None:
    found = read()
    answer = found["paths"][operation]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {**answer["schema"], "components": found["components"]}
    async with served() as client:
        client.source.incidents_of.keep(incident())
        client.source.incidents_of.keep_notification(incident().id, notification())
        await client.source.history.flush()
        given = await client.get(path)
        errors = [
            str(error) for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(given)
        ]
        assert errors == []


async def test_the_document_is_served() -> None:
    async with served() as client:
        found = await client.get("/openapi.json")
        assert found == read()
        status, _, _ = await client.ask("GET", "/api/v1/openapi.json", headers={})
        assert status == 401
