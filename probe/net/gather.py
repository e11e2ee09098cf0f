"""Doing things at the same time, where the first failure counts."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def gather_first_error(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Run side by side; the first failure ends the others and is raised as it is.

    Of several failures in the same moment the first in order is raised.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
