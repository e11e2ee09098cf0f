"""Every operation of the API: where it is, what it takes, what it answers."""

from msgspec import Struct
from pydantic import BaseModel

from probe.web.api import incident_schemas, requests, schemas


class Operation(Struct, frozen=True):
    """One method of one path. ``name`` is also that of its handler; ``writes`` needs a token.
    ``answer`` is None where there is no body, ``media`` other than JSON is text."""

    name: str
    method: str
    path: str
    summary: str
    tag: str
    answer: type[BaseModel] | None = None
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    media: str = "application/json"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in its path."""
        parts = self.path.split("/")
        return tuple(part[1:-1] for part in parts if part.startswith("{"))


OPERATIONS = (
    Operation(
        "status",
        "GET",
        "/status",
        "Services with their uptime, open incidents, announcements.",
        "status",
        schemas.StatusModel,
    ),
    Operation(
        "checks",
        "GET",
        "/checks",
        "Checks with their newest run and uptime.",
        "checks",
        schemas.CheckList,
        query=requests.CheckQuery,
    ),
    Operation(
        "check",
        "GET",
        "/checks/{name}",
        "One check with all that it measured, its last runs and incidents.",
        "checks",
        schemas.CheckDetailModel,
    ),
    Operation(
        "incidents",
        "GET",
        "/incidents",
        "Incidents of the last 400 days, newest first.",
        "incidents",
        incident_schemas.IncidentList,
        query=requests.IncidentQuery,
    ),
    Operation(
        "incident",
        "GET",
        "/incidents/{id}",
        "One incident: alerts, messages, notes, annotations, timeline.",
        "incidents",
        incident_schemas.IncidentDetailModel,
    ),
    Operation(
        "export_incident",
        "GET",
        "/incidents/{id}/export",
        "One incident as Markdown, to start a post-mortem from.",
        "incidents",
        media="text/markdown",
    ),
    Operation(
        "add_note",
        "POST",
        "/incidents/{id}/notes",
        "Add a note in Markdown.",
        "incidents",
        incident_schemas.NoteModel,
        201,
        body=requests.NewNote,
    ),
    Operation(
        "delete_note",
        "DELETE",
        "/incidents/{id}/notes/{note}",
        "Delete a note.",
        "incidents",
        status=204,
    ),
    Operation(
        "acknowledge",
        "POST",
        "/incidents/{id}/acknowledgements",
        "Say who has taken the incident on.",
        "incidents",
        incident_schemas.AcknowledgementModel,
        201,
        body=requests.NewAcknowledgement,
    ),
    Operation(
        "silences",
        "GET",
        "/silences",
        "Silences that have not ended.",
        "silences",
        incident_schemas.SilenceList,
        query=requests.PageQuery,
    ),
    Operation(
        "add_silence",
        "POST",
        "/silences",
        "Suppress notifications.",
        "silences",
        incident_schemas.NewSilenceAnswer,
        201,
        body=requests.NewSilence,
    ),
    Operation(
        "silence",
        "GET",
        "/silences/{id}",
        "One silence.",
        "silences",
        incident_schemas.SilenceModel,
    ),
    Operation(
        "expire_silence",
        "DELETE",
        "/silences/{id}",
        "End a silence.",
        "silences",
        status=204,
    ),
    Operation(
        "annotations",
        "GET",
        "/annotations",
        "Deployments and other events, newest first.",
        "annotations",
        incident_schemas.AnnotationList,
        query=requests.TimeQuery,
    ),
    Operation(
        "add_annotation",
        "POST",
        "/annotations",
        "Note a deployment or another event.",
        "annotations",
        incident_schemas.AnnotationModel,
        201,
        body=requests.NewAnnotation,
    ),
    Operation(
        "announcements",
        "GET",
        "/announcements",
        "Announcements and planned maintenance that are not over.",
        "announcements",
        incident_schemas.AnnouncementList,
        query=requests.PageQuery,
    ),
    Operation(
        "add_announcement",
        "POST",
        "/announcements",
        "Announce something on the public status page.",
        "announcements",
        incident_schemas.AnnouncementModel,
        201,
        body=requests.NewAnnouncement,
    ),
    Operation(
        "delete_announcement",
        "DELETE",
        "/announcements/{id}",
        "Delete an announcement.",
        "announcements",
        status=204,
    ),
)
# The pages' server answers this one, which is described with the others.
STATUS_PAGE = Operation(
    "status_page",
    "GET",
    "/status-page",
    "The public status page and its badges, as the files of an export.",
    "status",
    schemas.StatusPageFiles,
)
DOCUMENTED = (*OPERATIONS, STATUS_PAGE)
