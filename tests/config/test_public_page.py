"""Variables of the public status page: each mistake is named with what would be right."""

import base64
from pathlib import Path

import pytest

from probe.config.public_page import MAX_LOGO_BYTES, PublicSettings
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.kinds import KINDS


def read(**variables: str) -> PublicSettings:
    """The settings that these variables give."""
    environ = {f"PROBE_STATUS_{name.upper()}": value for name, value in variables.items()}
    return load_settings(KINDS, environ, alone=True).service.public


def problems(**variables: str) -> str:
    """What is said against these variables."""
    with pytest.raises(ConfigurationError) as raised:
        read(**variables)
    return "\n".join(str(each) for each in raised.value.problems)


def test_without_any_variable_nothing_is_public() -> None:
    assert read() == PublicSettings()


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("0.0.0.0:9092", PublicSettings(listen=("0.0.0.0", 9092))),
        ("[::]:80", PublicSettings(listen=("::", 80))),
        ("/status", PublicSettings(path="/status")),
        ("/public-status/", PublicSettings(path="/public-status")),
        ("/a/b", PublicSettings(path="/a/b")),
    ],
)
def test_it_has_a_port_or_a_path_of_its_own(listen: str, expected: PublicSettings) -> None:
    assert read(listen=listen) == expected


@pytest.mark.parametrize(
    "listen", ["9092", "host:", "::1:9", "/", "//", "/a//b", "/a b", "/Status", "/%2e", "/../x"]
)
def test_anything_else_is_a_mistake(listen: str) -> None:
    assert "PROBE_STATUS_LISTEN" in problems(listen=listen)


@pytest.mark.parametrize(
    "path", ["/metrics", "/api", "/api/v1", "/checks", "/runbooks/", "/public"]
)
def test_a_page_of_the_probe_is_no_path_for_it(path: str) -> None:
    assert "a page of the probe already" in problems(listen=path)


def test_links_have_a_name_and_an_address() -> None:
    found = read(links="PairCam=https://paircam.live, Help = https://example.org/?a=1")
    assert found.links == (
        ("PairCam", "https://paircam.live"),
        ("Help", "https://example.org/?a=1"),
    )


@pytest.mark.parametrize("links", ["x", "=https://a", "a=javascript:alert(1)", "a=https://b,c"])
def test_a_link_that_leads_nowhere_is_a_mistake(links: str) -> None:
    assert "is not a link: write NAME=https://" in problems(links=links)


def test_a_logo_becomes_a_part_of_the_page(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    kind, _, data = read(logo=str(logo)).logo.partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert base64.b64decode(data) == logo.read_bytes()


def test_a_logo_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    large, page = tmp_path / "large.png", tmp_path / "logo.html"
    large.write_bytes(b"x" * (MAX_LOGO_BYTES + 1))
    page.write_text("<p>")
    assert "longer than 65,536 bytes" in problems(logo=str(large))
    assert "write a file that ends in .svg" in problems(logo=str(page))
    assert "No such file" in problems(logo=str(tmp_path / "none.png"))
