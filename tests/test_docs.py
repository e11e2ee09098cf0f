"""What README and docs/ say holds: generated parts, examples, options, links."""

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from alerts.notification.route import RouteTable
from alerts.notifiers import NOTIFIERS
from alerts.settings import read_alerting
from alerts.silence.window_table import WindowTable
from probe.cli import cli
from probe.config.check_plan import make_plan
from probe.core.causes import HINTS, NOT_RETRYABLE, Cause
from probe.core.environment import SECRETS_DIRECTORY, Variables
from probe.core.tables.threshold_config import ThresholdConfig
from probe.generate import documents
from probe.kinds import KINDS
from probe.reference.configuration import variables_by_title
from probe.reference.fields import fields_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
README = TEXTS["README.md"]
# Words of no standard meaning in the field; what is literal is in code marks.
NOT_OF_THE_FIELD = re.compile(
    r"\b(told|tells?|burns?|heeds?|troubles?|nobody|grave|gravest|goodbye)\b", re.IGNORECASE
)


def test_the_committed_documents_are_what_is_generated() -> None:
    for path, text in documents().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run make generate"


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 250


def models() -> list[type[BaseModel]]:
    """Every settings model."""
    found: list[type[BaseModel]] = [ThresholdConfig, WindowTable, RouteTable]
    found += [kind.environment for kind in KINDS] + [kind.table for kind in KINDS]
    return [*found, *(notifier.environment for notifier in NOTIFIERS)]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_setting_says_what_it_is(model: type[BaseModel]) -> None:
    for field in fields_of(model):
        assert field.text.endswith("."), f"{model.__name__}.{field.name}: {field.text!r}"
        assert field.type, field.name


def test_every_variable_is_in_the_reference_and_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE))
    groups = variables_by_title(KINDS, NOTIFIERS)
    read = {field.name for fields in groups.values() for field in fields}
    assert read - named == {"FLY_REGION"}  # Fly sets it
    assert named <= read
    assert SECRETS_DIRECTORY in example
    for name in read:
        assert f"| `{name}` |" in TEXTS["docs/reference.md"]


def test_every_cause_is_listed_and_has_a_hint() -> None:
    table = re.findall(r"^\| `(\w+)` \|", TEXTS["docs/troubleshooting.md"], flags=re.MULTILINE)
    assert set(table) >= set(Cause)
    assert set(HINTS) == set(Cause)
    assert set(Cause) >= NOT_RETRYABLE


def test_every_kind_and_every_notifier_is_in_the_readme() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    assert rows == [*(kind.name for kind in KINDS), *(each.name for each in NOTIFIERS)]


def toml_examples() -> list[tuple[str, dict[str, Any]]]:
    """Every example of ``probe.toml``."""
    found = []
    for path, text in TEXTS.items():
        for example in re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL):
            found.append((path, tomllib.loads(example)))
    return found


@pytest.mark.parametrize(("path", "tables"), toml_examples())
def test_the_examples_of_probe_toml_are_valid(path: str, tables: dict[str, Any]) -> None:
    variables = Variables(
        {
            "BACKEND_URL": "https://paircam.live",
            "CHAT_JWT_SECRET": "x" * 32,
            "EU_CLOUDFLARE_TOKEN": "x",
            "EU_TURN_PASSWORD": "x",
            "FLY_API_TOKEN": "FlyV1 fm2_eHg=",
            "FLY_ORG": "personal",
            "FLY_APP": "paircam",
            "REDIS_URL": "rediss://:x@cache.upstash.io:6379",
            "SLACK_WEBHOOK": "https://example.org/x",
        }
    )
    plan = make_plan(KINDS, variables, tables)
    known = {check.name for check in plan.checks}
    assert {each["name"] for kind in KINDS for each in tables.get(kind.name, ())} <= known
    alerting, errors = read_alerting(variables, tables, Path("probe.toml"))
    assert errors == []
    assert len(alerting.windows) == len(tables.get("maintenance", ()))


def test_every_option_that_is_named_exists() -> None:
    options = {name for parameter in cli.params for name in parameter.opts}
    commands = [*cli.commands.values()]
    for command in commands:
        commands += command.commands.values() if isinstance(command, click.Group) else ()
        options |= {name for parameter in command.params for name in parameter.opts}
    for path, text in TEXTS.items():
        for line in re.findall(
            r"^.*\bprobe (?:-|alerts|rules|dashboards|lab).*$", text, re.MULTILINE
        ):
            if re.search(r"\b(docker|fly) ", line):
                continue
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line.partition("#")[0]))
            assert named <= options | {"--version", "--help"}, f"{path}: {line}"


@pytest.mark.parametrize("path", TEXTS)
def test_links_lead_to_pages_and_headings_that_exist(path: str) -> None:
    folder = (ROOT / path).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[path]):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        page = (folder / file).resolve() if file else ROOT / path
        assert page.exists(), f"{path}: {target}"
        if anchor:
            assert anchor in anchors(page.read_text(encoding="utf-8")), f"{path}: {target}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_linked_from_the_index() -> None:
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)", TEXTS["docs/README.md"]))
    assert linked == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("path", TEXTS)
def test_pages_use_the_words_of_the_field(path: str) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", TEXTS[path], flags=re.DOTALL)
    assert NOT_OF_THE_FIELD.findall(prose) == []


def make_targets() -> list[str]:
    """Every target that ``make help`` lists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("name", make_targets())
def test_every_make_target_is_documented(name: str) -> None:
    assert any(re.search(rf"\bmake {name}\b(?!-)", text) for text in TEXTS.values())


def test_every_make_target_that_is_named_exists() -> None:
    known = set(make_targets())
    for path, text in TEXTS.items():
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, flags=re.MULTILINE))
        assert named <= known, f"{path}: {named - known}"
