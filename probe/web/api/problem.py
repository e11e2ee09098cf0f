"""Errors as RFC 9457 has them: ``application/problem+json``."""

import json
from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field

# Below it every error is a problem.
BASE = "/api/v1"
CONTENT_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """RFC 9457: what went wrong. ``errors`` names each part of a request that is invalid."""

    model_config = ConfigDict(title="ProblemDetails")

    type: str = Field(default="about:blank", description="always about:blank: see the status")
    title: str = Field(description="the status in words")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what is wrong, and what would be right")
    errors: list[str] = Field(default=[], description="each invalid part of the request")


class ApiError(Exception):
    """Answers a request with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = errors, headers or {}

    def response(self) -> web.Response:
        """The answer."""
        return problem(self.status, self.detail, errors=self.errors, headers=self.headers)


def problem(
    status: int,
    detail: str,
    *,
    errors: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> web.Response:
    """An answer with a problem; ``detail`` holds no secret."""
    found = ProblemDetails(
        title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
    )
    left_out = set() if errors else {"errors"}
    body = json.dumps(found.model_dump(exclude=left_out))
    return web.Response(status=status, text=body, content_type=CONTENT_TYPE, headers=headers)


def problems(paths: Collection[str] = ()) -> Middleware:
    """Errors below the API, and of these ``paths``, as problems: unknown paths and methods, missing
    credentials, refused bodies."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(f"{BASE}/") and request.path not in paths:
            return await handler(request)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return problem(error.status, _detail_of(error.text, error.reason), headers=kept)
        if response.status < 400 or response.content_type != "text/plain":
            return response
        names = ("WWW-Authenticate", "Retry-After")
        kept = {name: response.headers[name] for name in names if name in response.headers}
        text = response.text if isinstance(response, web.Response) else None
        return problem(response.status, _detail_of(text, response.reason), headers=kept)

    return middleware


def _detail_of(text: str | None, reason: str) -> str:
    plain = (text or "").strip()
    return reason if not plain or plain[:1].isdigit() else plain
