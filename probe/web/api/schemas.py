"""What the API answers about services and checks. Times are ISO 8601 in UTC, durations seconds,
shares ratios from 0 to 1; what is not known is null."""

from datetime import datetime

from pydantic import Field

from probe.web.api.incident_schemas import (
    AnnouncementModel,
    AnswerModel,
    IncidentModel,
    ListModel,
)


class UptimeWindowModel(AnswerModel):
    """Uptime in one stretch of time. Seconds without any result and seconds that could not be
    measured are left out of ``ratio``."""

    window: str = Field(description="24h, 7d, 30d or 90d; a UTC day in a list of days")
    start: datetime
    end: datetime
    ratio: float | None = Field(description="up / (up + down)")
    up_seconds: float
    degraded_seconds: float = Field(description="the part of up in which some check failed")
    down_seconds: float
    unknown_seconds: float
    gap_seconds: float = Field(description="nothing ran")
    budget_left_ratio: float | None = Field(description="of the error budget; below 0: overspent")


class UptimeModel(AnswerModel):
    """Uptime by time against an objective."""

    objective: float
    windows: list[UptimeWindowModel]
    days: list[UptimeWindowModel]


class TransportModel(AnswerModel):
    """One transport of a TURN provider."""

    transport: str
    verdict: str | None
    checks: list[str]


class ProviderModel(AnswerModel):
    """One TURN provider."""

    name: str
    verdict: str | None
    since: datetime | None
    checks: list[str]
    transports: list[TransportModel]
    uptime: UptimeModel


class ServiceModel(AnswerModel):
    """One service."""

    name: str
    title: str
    verdict: str | None = Field(description="the worst of its checks")
    since: datetime | None
    checks: list[str]
    providers: list[ProviderModel]
    uptime: UptimeModel


class FailureModel(AnswerModel):
    """Where a check stopped, and why."""

    phase: str
    cause: str
    message: str
    hint: str


class SampleModel(AnswerModel):
    """One value of one signal."""

    signal: str
    value: float | None
    unit: str
    labels: dict[str, str]


class EvaluationModel(AnswerModel):
    """One threshold against what was measured."""

    signal: str
    labels: dict[str, str]
    aggregation: str
    value: float | None
    unit: str
    objective: float | None
    warning: float | None
    critical: float | None
    verdict: str


class CheckModel(AnswerModel):
    """One check and its newest run."""

    name: str
    kind: str
    target: str
    labels: dict[str, str]
    service: str
    interval_seconds: float
    verdict: str | None
    since: datetime | None
    status: str | None
    last_run: datetime | None
    next_run: datetime | None
    duration_seconds: float | None
    outdated: bool
    failure: FailureModel | None
    uptime: UptimeModel


class RunModel(AnswerModel):
    """One run of a check."""

    id: str = Field(description="as in exemplars of /metrics, and its trace by OpenTelemetry")
    started_at: datetime | None
    duration_seconds: float | None
    status: str
    verdict: str
    phase: str
    cause: str
    message: str


class PointModel(AnswerModel):
    """What a signal measured in a stretch of time: 10th percentile, median, 90th percentile."""

    start: datetime
    end: datetime
    count: int
    p10: float | None
    median: float | None
    p90: float | None


class SeriesModel(AnswerModel):
    """One signal of a check over the last 24 hours."""

    signal: str
    labels: dict[str, str]
    points: list[PointModel]


class CheckDetailModel(CheckModel):
    """One check with everything that its newest run measured."""

    phases: dict[str, float | None]
    samples: list[SampleModel]
    evaluations: list[EvaluationModel]
    facts: dict[str, str]
    series: list[SeriesModel]
    runs: list[RunModel]
    incidents: list[IncidentModel]


class StatusModel(AnswerModel):
    """The state of everything."""

    verdict: str
    generated_at: datetime
    started_at: datetime
    region: str
    version: str
    services: list[ServiceModel]
    incidents: list[IncidentModel] = Field(description="those that last, the worst first")
    announcements: list[AnnouncementModel]
    checks: dict[str, int] = Field(description="how many checks have each verdict")


class CheckList(ListModel):
    """Some of the checks."""

    items: list[CheckModel]


class StatusPageFiles(AnswerModel):
    """The public status page as it is exported."""

    files: dict[str, str] = Field(description="contents by path; index.html is the page")
