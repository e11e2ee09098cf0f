"""What can be expected of a page beyond an answer, and how the http check is configured."""

import ssl
from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.environment import ConfigurationError, Variables, read_environment
from probe.core.model import Status
from probe.kinds.http import KIND, HttpEnvironment, HttpTable
from tests.kinds.http_helpers import HEALTHY, ending, failure, look, look_at, values
from tests.servers.pages import Pages, answers, hangs_after, in_turn

pytestmark = pytest.mark.usefixtures("leaks")


@pytest.mark.parametrize(
    ("expected", "cause"),
    [
        ({"expect_version": "1.4.2", "expect_new_instance": "old"}, None),
        ({"expect_version": "1.5.0"}, Cause.VERSION_MISMATCH),
        ({"expect_new_instance": "e784"}, Cause.OLD_INSTANCE),
    ],
)
async def test_a_deployment_is_distinguished_from_the_one_before(
    expected: dict[str, str], cause: Cause | None
) -> None:
    result = await look_at(answers(200, HEALTHY), body="health", **expected)
    assert (result.failure and result.failure.cause) == cause
    assert result.facts["version"] == "1.4.2"


@pytest.mark.parametrize(
    ("expected", "cause"),
    [
        ({"expect_version": "1"}, Cause.VERSION_MISMATCH),
        ({"expect_new_instance": "old"}, Cause.OLD_INSTANCE),
    ],
)
async def test_who_does_not_say_who_it_is_does_not_meet_an_expectation(
    expected: dict[str, str], cause: Cause
) -> None:
    result = await look_at(answers(200, {"status": "ok"}), body="health", **expected)
    assert ending(result) == ("body", cause)


async def test_a_page_can_be_expected_to_hold_a_text() -> None:
    assert (await look_at(answers(200, b"Hello PairCam"), contains="PairCam")).failure is None
    result = await look_at(answers(200, b"parked domain"), contains="PairCam")
    assert ending(result) == ("body", Cause.BODY_INVALID)


async def test_secrets_in_the_address_are_used_and_never_shown() -> None:
    async with Pages(answers(401)) as pages:
        address = pages.url.replace("://", "://user:hunter2@") + "/health?token=hunter2#hunter2"
        result = await look(address)
        assert "Authorization: Basic dXNlcjpodW50ZXIy" in pages.heads[0]
        table = HttpTable.model_validate({"name": "page", "url": address})
        assert table.target == f"{pages.url}/health"
    assert "hunter2" not in f"{result} {table!r} {table.model_dump_json()}"


async def test_words_of_a_target_are_cut_and_cleaned() -> None:
    document = {"status": "\x1b[31m" + "x" * 5000}
    shown = failure(await look_at(answers(200, document), body="health")).message
    assert shown.isprintable()
    assert len(shown) < 150


async def test_plain_http_that_redirects_to_https_keeps_its_promise(
    tls: ssl.SSLContext, ca_file: Path
) -> None:
    strict = answers(200, Strict_Transport_Security="max-age=31536000; includeSubDomains")
    async with Pages(strict, tls=tls) as secure, Pages(answers(301, Location=secure.url)) as plain:
        expected = {"expect_https_redirect": True, "expect_hsts": True, "ca_file": ca_file}
        result = await look(plain.url, **expected)
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_http_https_redirect"] == 1
    assert found["probe_http_hsts_max_age_seconds"] == 31536000


async def test_promises_that_are_not_kept_are_no_failures() -> None:
    loose = answers(200, Access_Control_Allow_Origin="*", Strict_Transport_Security="max-age=9")
    promises = ("expect_https_redirect", "expect_hsts", "expect_cors_refused")
    async with Pages(loose) as pages:
        result = await look(pages.url, **dict.fromkeys(promises, True))
        assert pages.connections == 3
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_http_https_redirect"] == 0
    assert found["probe_http_hsts_max_age_seconds"] == 0
    assert found["probe_http_cors_refused"] == 0


async def test_an_answer_for_one_s_own_origin_alone_refuses_the_others() -> None:
    own = answers(200, Access_Control_Allow_Origin="https://paircam.live")
    found = values(await look_at(own, expect_cors_refused=True))
    assert found["probe_http_cors_refused"] == 1


async def test_a_promise_that_hangs_does_not_cost_the_check_its_deadline() -> None:
    behaviour = in_turn(answers(), hangs_after())
    expected = {"expect_https_redirect": True, "expect_cors_refused": True}
    result = await look_at(behaviour, deadline=1.0, **expected)
    assert result.status is Status.OK
    assert values(result)["probe_http_https_redirect"] == 0
    assert "probe_http_cors_refused" not in values(result)


def derived(**variables: str) -> tuple[list[HttpTable], list[str]]:
    environment = read_environment(HttpEnvironment, Variables(variables))
    found = KIND.derive(environment)
    tables = [{**found.defaults, **table} for table in found.tables]
    return [HttpTable.model_validate(table) for table in tables], list(found.skipped)


def test_the_operators_variables_give_three_checks(ca_file: Path) -> None:
    tables, skipped = derived(
        BACKEND_URL="https://paircam.live/",
        FRONTEND_URL="https://www.paircam.live",
        PROBE_CA_FILE=str(ca_file),
    )
    assert [(table.name, table.target, table.body) for table in tables] == [
        ("health", "https://paircam.live/health", "health"),
        ("ready", "https://paircam.live/health/ready", "ready"),
        ("frontend", "https://www.paircam.live", "any"),
    ]
    assert {table.ca_file for table in tables} == {ca_file}
    assert skipped == []


def test_what_is_not_set_is_said() -> None:
    assert derived() == ([], ["BACKEND_URL is not set", "FRONTEND_URL is not set"])


def test_mistakes_say_what_would_be_right(tmp_path: Path) -> None:
    variables = Variables({"BACKEND_URL": "paircam.live", "PROBE_CA_FILE": str(tmp_path)})
    with pytest.raises(ConfigurationError) as caught:
        read_environment(HttpEnvironment, variables)
    backend, ca_file = map(str, caught.value.problems)
    assert backend == "BACKEND_URL: 'paircam.live' has no scheme: write https://paircam.live"
    assert ca_file.startswith(f"PROBE_CA_FILE: can't read {tmp_path}")


def test_expectations_of_a_body_that_is_not_read_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"need body"):
        HttpTable.model_validate({"name": "x", "url": "http://x", "expect_version": "1"})
