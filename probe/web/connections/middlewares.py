"""Middlewares that let connections know of their requests, and handle few at a time."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.web.access import PROBE_PATH
from probe.web.connections.bounded import ConnectionTable
from probe.web.connections.limits import ConnectionState


def one_after_the_other(paths: frozenset[str], at_once: int) -> Middleware:
    """A middleware that handles only few requests at a time, except for these paths.

    Waiting here is cheap. Without it one iteration of the event loop takes as long as all requests
    together, and a health check waits behind them.
    """
    gate = asyncio.Semaphore(at_once)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in paths:
            return await handler(request)
        async with gate:
            response = await handler(request)
            # What is ready by now is done before the next one.
            await asyncio.sleep(0)
            return response

    return middleware


def watch_requests(table: Callable[[], ConnectionTable | None]) -> Middleware:
    """A middleware that lets a connection know of its requests."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        found = table()
        connection = found.of(request) if found is not None else None
        if connection is not None:
            is_run = request.path == PROBE_PATH
            seconds = connection.limits.probe if is_run else None
            pipelined = connection.state is ConnectionState.IDLE
            connection.enter(ConnectionState.REQUEST, seconds)
            if pipelined:
                # It came along with the one before: others have their turn first.
                await asyncio.sleep(0)
        try:
            return await handler(request)
        finally:
            if connection is not None and connection.transport is not None:
                connection.enter(ConnectionState.IDLE)

    return middleware
