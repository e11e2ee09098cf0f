"""``rate_limit`` of the web configuration file: one token bucket for all requests of a server."""

import math
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.web.access import OPEN_PATHS
from probe.web.security import WebSecurity
from probe.web.token_bucket import TokenBucket
from probe.web.web_config import RequestRate


def limit_rate(security: WebSecurity, clock: Callable[[], float] = time.monotonic) -> Middleware:
    """A middleware that answers 429 (RFC 6585, 4) beyond the file's rate, before any login is
    checked. Health endpoints are never limited: whoever floods a page must not have the probe
    restarted. ``clock`` is monotonic."""
    limit, bucket = RequestRate(), TokenBucket(0.0, 0.0, clock)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal limit, bucket
        wanted = security.rate_limit
        if wanted != limit:
            limit = wanted
            bucket = TokenBucket(
                1 / wanted.interval if wanted.interval else 0.0, wanted.burst, clock
            )
        if not limit.interval or request.path in OPEN_PATHS or bucket.spend():
            return await handler(request)
        headers = {"Retry-After": str(max(1, math.ceil(limit.interval)))}
        return web.Response(status=429, text="Too Many Requests\n", headers=headers)

    return middleware
