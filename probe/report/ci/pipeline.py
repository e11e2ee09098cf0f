"""Which pipeline this runs in, from the variables that GitHub Actions and GitLab CI set."""

import re
from collections.abc import Mapping

from msgspec import Struct

from probe.report.text.sanitize import clean, cut

_LONGEST = 100
_ADDRESS = re.compile(r"https?://[\w.:\[\]/-]+")


class CiPipeline(Struct, frozen=True):
    """Empty where it isn't known; ``url`` is the run's own page."""

    service: str = ""
    project: str = ""
    ref: str = ""
    commit: str = ""
    author: str = ""
    url: str = ""

    @property
    def short_commit(self) -> str:
        """As people write it."""
        return self.commit[:7]


def pipeline_from(environ: Mapping[str, str]) -> CiPipeline:
    """The pipeline of these variables; an unknown one without any of them."""
    if environ.get("GITHUB_ACTIONS") == "true" or environ.get("GITHUB_RUN_ID"):
        return _github(environ)
    if environ.get("GITLAB_CI") == "true" or environ.get("CI_PIPELINE_URL"):
        return _gitlab(environ)
    return CiPipeline()


def _github(environ: Mapping[str, str]) -> CiPipeline:
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    project, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    url = f"{server}/{project}/actions/runs/{run}" if project and run else ""
    return CiPipeline(
        "GitHub Actions",
        _text(project),
        _text(environ.get("GITHUB_REF_NAME", "")),
        _commit(environ.get("GITHUB_SHA", "")),
        _text(environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", "")),
        _url(url),
    )


def _gitlab(environ: Mapping[str, str]) -> CiPipeline:
    author = environ.get("CI_COMMIT_AUTHOR") or environ.get("GITLAB_USER_NAME", "")
    return CiPipeline(
        "GitLab CI",
        _text(environ.get("CI_PROJECT_PATH", "")),
        _text(environ.get("CI_COMMIT_REF_NAME", "")),
        _commit(environ.get("CI_COMMIT_SHA", "")),
        # "Name <address>": the address stays where it is.
        _text(author.partition("<")[0]),
        _url(environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", "")),
    )


def _text(value: str) -> str:
    return cut(clean(value).strip(), _LONGEST)


def _commit(value: str) -> str:
    return value if re.fullmatch(r"[0-9a-fA-F]{7,64}", value) else ""


def _url(value: str) -> str:
    return value if _ADDRESS.fullmatch(value) and len(value) < 1000 else ""
