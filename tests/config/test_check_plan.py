"""A bad configuration is told whole, each mistake with its place and remedy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from probe.config.check_plan import CheckPlan, make_plan, select
from probe.config.toml_tables.reading import read_tables, variables_named_in
from probe.core.environment import ConfigurationError, Environment, EnvironmentSources, Variables
from probe.core.kind import DerivedChecks, Kind
from probe.core.model import Aggregation
from probe.core.thresholds import thresholds_of
from tests.fake_kind import ToyTable, toy_kind


class PlayEnvironment(Environment):
    """One address, one number."""

    url: str | None = Field(default=None, alias="TOY_URL")
    port: int = Field(default=1, alias="TOY_PORT")


class SecretTable(ToyTable):
    """A toy with a password."""

    password: SecretStr | None = None


def _derive(found: PlayEnvironment) -> DerivedChecks:
    if found.url is None:
        return DerivedChecks(skipped=["TOY_URL is not set"])
    return DerivedChecks(tables=[{"name": "toy", "does": "ok"}])


def _kind(**changes: Any) -> Kind[Any, Any]:
    return toy_kind(environment=PlayEnvironment, derive=_derive, table=SecretTable, **changes)


def _plan(
    values: Mapping[str, str], tables: Mapping[str, list[dict[str, Any]]] | None = None
) -> CheckPlan:
    return make_plan([_kind()], Variables(values), tables or {})


def _problems(values: Mapping[str, str], entries: list[dict[str, Any]]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        _plan(values, {"toy": entries})
    return [str(mistake) for mistake in caught.value.problems]


def test_variables_alone_give_checks() -> None:
    plan = _plan({"TOY_URL": "x"})
    assert [check.name for check in plan.checks] == ["toy"]
    assert plan.skipped == ()


def test_what_is_not_configured_is_listed_with_its_reason() -> None:
    assert [skip.reason for skip in _plan({}).skipped] == ["TOY_URL is not set"]


def test_an_empty_variable_counts_as_not_set() -> None:
    assert [skip.reason for skip in _plan({"TOY_URL": "  "}).skipped] == ["TOY_URL is not set"]


def test_an_entry_with_a_derived_name_changes_that_check_and_others_join() -> None:
    entries: list[dict[str, Any]] = [{"name": "toy", "deadline": 3}, {"name": "more"}]
    plan = _plan({"TOY_URL": "x"}, {"toy": entries})
    assert [(check.name, check.table.deadline) for check in plan.checks] == [
        ("toy", 3.0),
        ("more", 10.0),
    ]


def test_a_check_that_is_switched_off_is_listed_as_skipped() -> None:
    plan = _plan({"TOY_URL": "x"}, {"toy": [{"name": "toy", "enabled": False}]})
    assert plan.checks == ()
    assert [skip.reason for skip in plan.skipped] == ["toy is disabled in probe.toml"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"name": "a", "dedline": 3},
            'probe.toml: [[toy]] entry 1, key "dedline": unknown key: did you mean "deadline"?',
        ),
        ({}, 'probe.toml: [[toy]] entry 1, key "name": is required'),
        (
            {"name": "a", "deadline": 0},
            'probe.toml: [[toy]] entry 1, key "deadline": must be above 0 and '
            "at most 300 (seconds)",
        ),
        (
            {"name": "a", "thresholds": {"probe_toy_second": {"warning": 1}}},
            'probe.toml: [[toy]] entry 1, thresholds "probe_toy_second": no such signal: '
            'did you mean "probe_toy_seconds"?',
        ),
        (
            {"name": "a", "password_from": "TOY_PASSWORD"},
            'probe.toml: [[toy]] entry 1, key "password_from": TOY_PASSWORD is not set',
        ),
    ],
)
def test_each_mistake_names_its_place_and_remedy(entry: dict[str, Any], message: str) -> None:
    assert _problems({}, [entry]) == [message]


def test_all_mistakes_of_variables_and_file_are_reported_at_once() -> None:
    found = _problems({"TOY_URL": "x"}, [{"name": "a", "x": 1}, {"name": "b", "deadline": -1}])
    assert len(found) == 2
    with pytest.raises(ConfigurationError) as caught:
        _plan({"TOY_PORT": "many", "TOY_URL": "x"})
    assert [mistake.place for mistake in caught.value.problems] == ["TOY_PORT"]


def test_two_checks_of_one_name_are_a_mistake() -> None:
    (found,) = _problems({}, [{"name": "a"}, {"name": "a"}])
    assert found == (
        'probe.toml: [[toy]] entry 2, key "name": "a" is the name of [[toy]] entry 1, too: '
        "rename one of them"
    )


def test_a_secret_in_a_wrong_variable_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        _plan({"TOY_PORT": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_the_file_can_name_the_variable_that_holds_a_secret() -> None:
    tables = {"toy": [{"name": "a", "password_from": "TOY_PASSWORD"}]}
    assert variables_named_in(tables) == {"TOY_PASSWORD"}
    plan = _plan({"TOY_PASSWORD": "hunter2"}, tables)
    table = plan.checks[0].table
    assert isinstance(table, SecretTable)
    assert table.password is not None
    assert table.password.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[toi]]\n", '"toi": no such table: did you mean "toy"?'),
        ("toy = 3\n", '"toy": write each check as a table [[toy]]'),
        ("[[toy]\n", "is not valid TOML"),
    ],
)
def test_a_file_of_the_wrong_shape_is_reported(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "probe.toml"
    path.write_text(text)
    tables, (mistake,) = read_tables(path, [_kind()], required=False)
    assert tables == {}
    assert str(mistake).startswith(str(path))
    assert message in str(mistake)


def test_a_table_of_no_kind_hides_no_other_mistake(tmp_path: Path) -> None:
    path = tmp_path / "probe.toml"
    path.write_text('[[toi]]\n[[toy]]\nname = "a"\n')
    tables, problems = read_tables(path, [_kind()], required=False)
    assert (list(tables), len(problems)) == (["toy"], 1)


def test_a_file_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    assert read_tables(tmp_path / "no.toml", [_kind()], required=False) == ({}, [])
    _, (mistake,) = read_tables(tmp_path / "no.toml", [_kind()], required=True)
    assert mistake.problem == "there is no such file"


@pytest.mark.parametrize(
    "limits",
    [
        {"objective": 3, "warning": 2},
        {"warning": 2, "critical": 1},
        {"warning": 1, "critical": 9, "bad": "below"},
        {"critical": float("nan")},
        {"critical": float("inf")},
    ],
)
def test_limits_that_contradict_each_other_are_a_mistake(limits: dict[str, Any]) -> None:
    entry = {"name": "a", "thresholds": {"probe_toy_seconds": limits}}
    (found,) = _problems({}, [entry])
    assert "probe_toy_seconds" in found


def test_a_limit_says_how_its_samples_are_put_together_and_on_which_terms_it_is_reported() -> None:
    limits = {"warning": 1, "aggregation": "p95", "hold": 60, "clear": 30, "margin": 0.2}
    entry = {"name": "a", "interval": 10, "thresholds": {"probe_toy_seconds": limits}}
    (threshold,) = thresholds_of(_plan({}, {"toy": [entry]}).checks[0])
    assert threshold.aggregation is Aggregation.P95
    assert (threshold.window, threshold.minimum_samples) == (300.0, 20)
    assert (threshold.hold, threshold.clear, threshold.margin) == (60.0, 30.0, 0.2)


def test_all_mistakes_of_one_entry_are_reported() -> None:
    entry = {"name": "a", "password_from": "TOY_PASSWORD", "seconds": "x", "unheard": 1}
    assert len(_problems({}, [entry])) == 3


def test_a_quote_that_is_not_closed_swallows_nothing_in_silence(tmp_path: Path) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("X=1\nA='abc\nB=2\nC=it's\n")
    with pytest.raises(ConfigurationError, match="line 2: a quote is not closed"):
        EnvironmentSources({}, env_file).load(["A", "B", "C"])
    assert EnvironmentSources({}, env_file).load(["X"]).get("X") == "1"


def test_a_secret_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"\xff\xfe")
    for environ in ({"PROBE_SECRETS_DIR": str(tmp_path)}, {"A_FILE": str(tmp_path / "A")}):
        with pytest.raises(ConfigurationError, match="save it as UTF-8"):
            EnvironmentSources(environ).load(["A"])


@pytest.fixture
def plan() -> CheckPlan:
    return _plan({"TOY_URL": "x"}, {"toy": [{"name": "more"}]})


def test_checks_are_chosen_by_name_or_kind(plan: CheckPlan) -> None:
    assert [check.name for check in select(plan, ["more"], []).checks] == ["more"]
    assert [check.name for check in select(plan, ["toy"], []).checks] == ["toy", "more"]


@pytest.mark.parametrize(("only", "require"), [(["mroe"], []), ([], ["mroe"])])
def test_a_name_that_is_not_configured_is_a_mistake(
    plan: CheckPlan, only: list[str], require: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match='did you mean "more"'):
        select(plan, only, require)


def test_requiring_what_was_skipped_reports_the_reason() -> None:
    with pytest.raises(ConfigurationError, match="--require toy: not configured: TOY_URL"):
        select(_plan({}), [], ["toy"])


def test_an_empty_plan_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="nothing to check"):
        select(CheckPlan(()), [], [])


def test_the_environment_comes_before_the_file_and_the_file_before_the_secrets(
    tmp_path: Path,
) -> None:
    env_file = tmp_path / "env"
    env_file.write_text("A=file\nB=file\nC_FILE=" + str(tmp_path / "c") + "\n")
    for name in ("A", "B", "D"):
        (tmp_path / name).write_text("secret\n")
    (tmp_path / "c").write_text("from a file\n")
    environ = {"A": "environment", "PROBE_SECRETS_DIR": str(tmp_path)}
    found = EnvironmentSources(environ, env_file).load(["A", "B", "C", "D", "E"])
    assert [found.get(name) for name in "ABCDE"] == [
        "environment",
        "file",
        "from a file",
        "secret",
        None,
    ]
    assert found.place("B") == f"B ({env_file} line 2)"


def test_a_name_and_its_file_together_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both A and A_FILE are set"):
        EnvironmentSources({"A": "x", "A_FILE": str(tmp_path / "a")}).load(["A"])


def test_a_secret_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="A_FILE: can't read"):
        EnvironmentSources({"A_FILE": str(tmp_path / "a")}).load(["A"])


def test_the_names_that_prometheus_gives_to_holding_and_clearing_are_accepted() -> None:
    limits = {"probe_toy_seconds": {"warning": 1.0, "for": 30, "keep_firing_for": 90}}
    (check,) = _plan(
        {"TOY_URL": "x"}, {"toy": [{"name": "toy", "for": 45, "thresholds": limits}]}
    ).checks
    assert check.failing.hold == 45
    (threshold,) = thresholds_of(check)
    assert (threshold.hold, threshold.clear) == (30, 90)


def test_both_names_of_one_setting_are_an_error() -> None:
    both = {"name": "toy", "for": 45, "hold": 30}
    (mistake,) = _problems({"TOY_URL": "x"}, [both])
    assert '"for" and "hold" are the same setting: keep one of them' in mistake
    limits = {"probe_toy_seconds": {"warning": 1, "clear": 5, "keep_firing_for": 5}}
    (mistake,) = _problems({"TOY_URL": "x"}, [{"name": "toy", "thresholds": limits}])
    assert '"keep_firing_for" and "clear"' in mistake
