"""The OpenAPI 3.1 document of the API, made from the operations and their models."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from probe.web.api.operations import DOCUMENTED, Operation
from probe.web.api.problem import BASE, CONTENT_TYPE, ProblemDetails

_SCHEMAS = "#/components/schemas/"
# What any operation may answer, by status.
_ERRORS = {
    400: "The request is invalid; errors names each part that is.",
    401: "No valid credentials were sent.",
    404: "It does not exist.",
    429: "Too many requests or wrong logins; Retry-After says when to try again.",
}
_ERRORS_OF_WRITING = {
    403: "No token is configured, so nothing can be changed.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    503: "It is kept in memory, and stored once the disk can be written again.",
}


@cache
def document(version: str) -> str:
    """The document as JSON."""
    models = dict.fromkeys(_models(answers=True), "serialization")
    bodies = dict.fromkeys(_models(answers=False), "validation")
    pairs: list[Any] = [*models.items(), *bodies.items()]
    _, definitions = models_json_schema(pairs, ref_template=_SCHEMAS + "{model}")
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "probe",
            "version": version,
            "description": "A monitored WebRTC application: its state, incidents and silences.",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {"login": []}],
        "paths": _paths(),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "PROBE_API_TOKEN or PROBE_WEB_TOKEN; what writes needs one.",
                },
                "login": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The login of the pages, for reading.",
                },
            },
        },
    }
    return json.dumps(found, separators=(",", ":"))


def _models(*, answers: bool) -> Iterable[type[BaseModel]]:
    if answers:
        yield ProblemDetails
        yield from (each.answer for each in DOCUMENTED if each.answer is not None)
    else:
        yield from (each.body for each in DOCUMENTED if each.body is not None)


def _paths() -> Mapping[str, Mapping[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in DOCUMENTED:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation),
    }
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        found["parameters"] = parameters
    if operation.body is not None:
        schema = {"$ref": _SCHEMAS + operation.body.__name__}
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if operation.writes:
        found["security"] = [{"token": []}]
    return found


def _path_parameters(operation: Operation) -> Iterable[Mapping[str, Any]]:
    for name in operation.parameters:
        schema = {"type": "string", "minLength": 1, "maxLength": 200}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation) -> Iterable[Mapping[str, Any]]:
    if operation.query is None:
        return
    schema = operation.query.model_json_schema()
    for name, about in schema["properties"].items():
        plain = {key: value for key, value in about.items() if key not in ("title", "description")}
        # A query has no null: what is not meant is left out.
        if "anyOf" in plain:
            options = [each for each in plain.pop("anyOf") if each.get("type") != "null"]
            plain |= options[0]
        if plain.get("default", ...) is None:
            del plain["default"]
        described = {"description": about["description"]} if "description" in about else {}
        yield {"name": name, "in": "query", "required": False, "schema": plain, **described}


def _responses(operation: Operation) -> Mapping[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        done["content"] = {
            operation.media: {"schema": {"$ref": _SCHEMAS + operation.answer.__name__}}
        }
    elif operation.media != "application/json":
        done["content"] = {operation.media: {"schema": {"type": "string"}}}
    errors = {**_ERRORS, **(_ERRORS_OF_WRITING if operation.writes else {})}
    schema = {"schema": {"$ref": _SCHEMAS + ProblemDetails.__name__}}
    problems = {
        str(status): {"description": text, "content": {CONTENT_TYPE: schema}}
        for status, text in sorted(errors.items())
    }
    return {str(operation.status): done, **problems}
