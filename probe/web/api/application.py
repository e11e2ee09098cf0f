"""The API as routes of an application: reads a request, runs its operation, sends the answer."""

import asyncio
import hmac
import json
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import PydanticSerializationError

from probe.report.json.fields import whole
from probe.web.api import openapi
from probe.web.api.handlers import ApiHandlers
from probe.web.api.operations import OPERATIONS, Operation
from probe.web.api.problem import BASE, ApiError

OPENAPI_PATH = f"{BASE}/openapi.json"
MAX_BODY = 1 << 18
BODY_SECONDS = 10.0
_NO_TOKEN = "set PROBE_API_TOKEN or PROBE_WEB_TOKEN: nothing is changed without one"


class Api:
    """``tokens`` are those that may write; ``version`` is the probe's."""

    def __init__(
        self, handlers: ApiHandlers, tokens: Iterable[SecretStr | None], version: str
    ) -> None:
        self._handlers, self._version = handlers, version
        self._tokens = [
            f"Bearer {token.get_secret_value()}".encode() for token in tokens if token is not None
        ]

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        found = [
            web.route(each.method, BASE + each.path, self._handler(each)) for each in OPERATIONS
        ]
        return [*found, web.get(OPENAPI_PATH, self._openapi)]

    async def _openapi(self, request: web.Request) -> web.Response:
        text = await asyncio.to_thread(openapi.document, self._version)
        return web.Response(text=text, content_type="application/json")

    def _handler(self, operation: Operation) -> Handler:
        run = getattr(self._handlers, operation.name)

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                if operation.writes:
                    self._admit(request)
                parsed = await _parsed(operation, request)
                return _answer(operation, await run(dict(request.match_info), parsed))
            except ApiError as error:
                return error.response()

        return handle

    def _admit(self, request: web.Request) -> None:
        """In constant time for every token. A login of the pages is not enough: a browser sends
        it with the form of a foreign page, too."""
        if not self._tokens:
            raise ApiError(403, _NO_TOKEN)
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        sent = b"Bearer " + sent[7:] if sent[:7].lower() == b"bearer " else sent
        if sum(hmac.compare_digest(sent, token) for token in self._tokens) == 0:
            headers = {"WWW-Authenticate": 'Bearer realm="probe"'}
            raise ApiError(401, "send the token as Authorization: Bearer", headers=headers)


async def _parsed(operation: Operation, request: web.Request) -> BaseModel | None:
    if operation.body is not None:
        return _validated(operation.body, await _body(request))
    if operation.query is None:
        return None
    query = {name: request.query.getall(name) for name in request.query}
    twice = tuple(f"{name}: is given more than once" for name in query if len(query[name]) > 1)
    if twice:
        raise ApiError(400, "the query is invalid", errors=twice)
    return _validated(operation.query, {name: values[0] for name, values in query.items()})


def _validated(model: type[BaseModel], value: object) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        errors = tuple(
            ": ".join(filter(None, (".".join(map(str, each["loc"]))[:100], each["msg"])))
            for each in found[:20]
        )
        raise ApiError(400, "the request is invalid", errors=errors) from None


async def _body(request: web.Request) -> object:
    if request.content_type != "application/json":
        raise ApiError(415, "send application/json")
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more := await request.content.read(MAX_BODY + 1):
                body += more
                if len(body) > MAX_BODY:
                    raise ApiError(413, f"send at most {MAX_BODY} bytes")
    except TimeoutError:
        raise ApiError(408, "the body did not come in time") from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "the body is not JSON") from None


def _answer(operation: Operation, found: BaseModel | str | None) -> web.Response:
    if found is None:
        return web.Response(status=operation.status)
    if isinstance(found, str):
        return web.Response(text=found, content_type=operation.media, charset="utf-8")
    return web.Response(status=operation.status, text=_json(found), content_type="application/json")


def _json(found: BaseModel) -> str:
    try:
        return found.model_dump_json()
    except PydanticSerializationError:  # half a surrogate pair, which no parser takes
        return type(found).model_validate(whole(found.model_dump())).model_dump_json()
