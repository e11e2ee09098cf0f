"""Whatever is written for a key or a variable, the answer is in words for people: no Python, no
library, no secret."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from alerts.notification.route import RouteTable
from alerts.notifiers import NOTIFIERS
from alerts.silence.window_table import WindowTable
from probe.config.discovery.reading import DiscoveryTable
from probe.config.gate_table import GateTable
from probe.config.probe_environment import ProbeEnvironment
from probe.core.environment import ConfigurationError, Environment, Variables, read_environment
from probe.core.tables.problems import table_problems
from probe.exporter.settings import ExporterEnvironment, ExporterTable
from probe.kinds import KINDS
from probe.kinds.budget import BudgetTable
from probe.otel.settings import OtelEnvironment

TABLES: list[type[BaseModel]] = [
    *(kind.table for kind in KINDS),
    *(RouteTable, WindowTable, DiscoveryTable, GateTable, ExporterTable),
]
VARIABLES: list[type[Environment]] = [
    *(kind.environment for kind in KINDS),
    *(notifier.environment for notifier in NOTIFIERS),
    *(ProbeEnvironment, ExporterEnvironment, OtelEnvironment),
]
SECRET = "hunter2hunter2hunter2"
# What people write, and TOML takes.
VALUES: list[Any] = [
    *(True, -1, 0, 10**25, 0.5, float("nan"), float("inf")),
    *("", " ", "5m", "x y", "²", "\u0440", "a\tb", f"https://u:{SECRET}@h/", f"//{SECRET}", "~~"),
    *([], [True], [-1], [10**25], [""], ["5m"], [[1]], [{}]),
    *({}, {"X Bad": 1}, {"": ""}, {"a": {"b": [1]}}, date(2026, 1, 1)),
]
# As files and shells have them: all text.
TEXTS = [each for each in VALUES if isinstance(each, str) and each.strip()]
TEXTS += ["-1", "1e999", "nan", "9" * 5000, "[]", "{}", "'5'", "$X", "http://", "C:\\x", SECRET]
JARGON = re.compile(
    r"Input|valid (dict|tuple|list|string|number|integer)|instance of|pydantic|\[key\]|function-"
    r"|\btuple|NoneType|<class|Traceback|unable to|parsing|Errno|invalid literal|Value error"
    r"|Assertion|codec|isoformat|\bint\(|\bdict\b|SecretStr|set_str_digits|must be a valid"
    r"|of the form"
)


def answers(model: type[BaseModel], key: str, value: object) -> Iterator[str]:
    """What is said of this key; nothing where the value is taken."""
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        for each in table_problems(error, "probe.toml: [[x]] entry 1", model, complete=False):
            yield str(each)


def leaks(model: type[BaseModel], name: str, value: object, text: str) -> bool:
    """Whether the answer repeats the secret; a path is named as it is, without a login."""
    fields = model.model_fields.items()
    about = next(field for key, field in fields if name in (key, field.alias))
    is_path = "Path" in str(about.annotation) and "@" not in str(value)
    return SECRET in text and not is_path


@pytest.mark.parametrize("model", TABLES, ids=lambda each: each.__name__)
def test_a_wrong_value_of_a_key_is_answered_in_plain_words(model: type[BaseModel]) -> None:
    for key in model.model_fields:
        for value in VALUES:
            for text in answers(model, key, value):
                assert not JARGON.search(text), (key, value, text)
                assert not leaks(model, key, value, text), (key, value, text)
                assert "\n" not in text
                assert text.startswith("probe.toml: [[x]] entry 1"), text


@pytest.mark.parametrize("model", VARIABLES, ids=lambda each: each.__name__)
def test_a_wrong_value_of_a_variable_is_answered_in_plain_words(model: type[Environment]) -> None:
    for name in model.variable_names():
        for value in TEXTS:
            try:
                read_environment(model, Variables({name: value}))
            except ConfigurationError as error:
                for text in str(error).splitlines():
                    assert not JARGON.search(text), (name, value, text)
                    assert not leaks(model, name, value, text), (name, value, text)


@pytest.mark.parametrize(
    "model", [each for each in TABLES if each is not BudgetTable], ids=lambda each: each.__name__
)
def test_no_key_takes_what_is_no_number(model: type[BaseModel]) -> None:
    for key, about in model.model_fields.items():
        if "float" in str(about.annotation) or "int" in str(about.annotation):
            for value in (float("nan"), float("inf"), [float("nan")], [float("inf")]):
                found = [*answers(model, key, value)]
                assert any(f'key "{key}"' in each for each in found), (key, value)


@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        ("http", "status", [-1], 'key "status", item 1: must be from 100 to 999'),
        ("http", "status", [200, "x"], 'key "status", item 2: must be a whole number'),
        ("security", "ports", [0], 'key "ports", item 1: must be from 1 to 65535'),
        ("security", "ports", [70000], 'key "ports", item 1: must be from 1 to 65535'),
        ("resilience", "losses", [3, -1], 'key "losses", item 2: must be'),
        ("http", "deadline", 5000, 'key "deadline": must be above 0 and at most 300 (seconds)'),
        ("http", "interval", 0, 'key "interval": must be from 1 to 86400 (seconds)'),
        ("http", "hold", -1, 'key "hold" ("for"): must be from 0 to 86400 (seconds)'),
        ("http", "status", [], 'key "status": must have 1 item or more'),
        ("http", "max_redirects", 1.5, "must be a whole number, without a fraction"),
        ("signaling", "extra_headers", {"X Bad": "1"}, "key \"extra_headers.'X Bad'\": "),
        ("http", "target_labels", {"a b": 1}, "key \"target_labels.'a b'\": must be text"),
        ("fly", "queries", [{"nam": 1}], 'key "queries", item 1, key "nam": unknown key: did you'),
    ],
)
def test_place_and_range(table: str, key: str, value: object, words: str) -> None:
    model = next(kind.table for kind in KINDS if kind.name == table)
    assert words in "\n".join(answers(model, key, value))
