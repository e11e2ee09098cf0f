"""PromQL over the Prometheus HTTP API, as Fly.io (VictoriaMetrics) and Prometheus speak it.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries. The server's clock
says when "now" is; VictoriaMetrics takes the moment 30 s before, since the newest samples may
not have arrived.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.net.tasks import gather_first_error
from probe.telemetry.api_client import ApiClient
from probe.untrusted.text import MAX_LABEL, untrusted

# So many queries of a server are under way at once.
AT_ONCE = 4
MAX_SERIES = 5000
TOKEN_HINT = "Is FLY_API_TOKEN right, and may it read FLY_ORG? fly tokens create readonly ORG"


class Series(Struct, frozen=True):
    """One series of an instant vector: its labels and its value (finite)."""

    labels: Mapping[str, str]
    value: float


Outcome = tuple[Series, ...] | NotMeasured


class PromQL:
    """One Prometheus API; ``client.base`` is the address above ``/api/v1``."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def query_all(self, queries: Mapping[str, str]) -> dict[str, Outcome]:
        """Every query by its name: the series, or why there are none."""
        outcomes = await gather_first_error(*(self._outcome(query) for query in queries.values()))
        return dict(zip(queries, outcomes, strict=True))

    async def query(self, query: str) -> tuple[Series, ...]:
        """An instant vector or scalar; series whose value is no number are left out.

        Raises NotMeasured: auth_rejected, rate_limited, http_status, body_invalid,
        body_too_large or a cause of the network.
        """
        async with self._turns:
            answer = await self._client.get("/api/v1/query", {"query": query})
        if answer.status != 200:
            raise self._client.refused(answer, TOKEN_HINT if answer.status in (401, 403) else "")
        return self._read(await self._client.document(answer))

    async def _outcome(self, query: str) -> Outcome:
        try:
            return await self.query(query)
        except NotMeasured as aborted:
            return aborted

    def _read(self, document: Any) -> tuple[Series, ...]:
        try:
            data = document["data"]
            if document["status"] != "success" or data["resultType"] not in ("vector", "scalar"):
                raise ValueError("another kind of answer")
            result = data["result"]
            if data["resultType"] == "scalar":
                result = [{"metric": {}, "value": result}]
            if len(result) > MAX_SERIES:
                raise ValueError("too many series")
            found = [Series(_labels(each["metric"]), float(each["value"][1])) for each in result]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            message = f"{self._client.name} answers in another form than Prometheus does"
            raise NotMeasured(Cause.BODY_INVALID, message) from None
        return tuple(each for each in found if math.isfinite(each.value))


def first_problem(outcomes: Sequence[Outcome]) -> NotMeasured | None:
    """Why a query went unanswered, if any did."""
    return next((each for each in outcomes if isinstance(each, NotMeasured)), None)


def answered(outcome: Outcome) -> tuple[Series, ...]:
    """The series; none where the query went unanswered."""
    return () if isinstance(outcome, NotMeasured) else outcome


def _labels(metric: Any) -> dict[str, str]:
    return {
        untrusted(str(name), MAX_LABEL): untrusted(str(value), MAX_LABEL)
        for name, value in metric.items()
    }
