"""Certificates that OpenSSL accepts and browsers refuse, and the other way round."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from probe.core.causes import Cause
from probe.net.tls import issuers, other_ways
from tests.kinds.http.chains import Chains, certify, says_where
from tests.kinds.http_helpers import ending, look
from tests.servers.pages import Pages, answers

pytestmark = pytest.mark.usefixtures("leaks")


@pytest.mark.parametrize(
    ("usage", "version", "cause"),
    [
        ("digital_signature", ssl.TLSVersion.TLSv1_3, None),
        ("digital_signature", ssl.TLSVersion.TLSv1_2, None),
        ("key_encipherment", ssl.TLSVersion.TLSv1_3, Cause.TLS_FAILED),
        ("key_agreement", ssl.TLSVersion.TLSv1_3, Cause.TLS_FAILED),
    ],
)
async def test_a_key_that_may_not_sign_is_refused_as_browsers_do(
    tmp_path: Path, usage: str, version: ssl.TLSVersion, cause: Cause | None
) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    chains.leaf = certify("leaf", chains.intermediate, 90, usage=usage)
    context = chains.server()
    context.minimum_version = context.maximum_version = version
    async with Pages(answers(), tls=context) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    assert (result.failure and result.failure.cause) == cause
    assert result.failure is None or "digitalSignature" in result.failure.hint


@pytest.mark.parametrize("critical", [True, False])
async def test_names_without_a_subject_have_to_be_critical(tmp_path: Path, critical: bool) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    chains.leaf = certify("leaf", chains.intermediate, 90, subject=False, critical=critical)
    async with Pages(answers(), tls=chains.server()) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    expected = None if critical else ("tls", Cause.TLS_INVALID)
    assert (None if result.failure is None else ending(result)) == expected


async def test_a_name_with_the_root_s_dot_is_the_name(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    async with Pages(answers(), tls=chains.server()) as pages:
        address = pages.named_url.replace("localhost", "localhost.")
        result = await look(address, ca_file=chains.ca_file)
    # Not every resolver finds a dotted name in its file of hosts.
    assert result.failure is None or ending(result) == ("resolve", Cause.DNS_FAILED)


@pytest.mark.parametrize(
    ("form", "mended"),
    [("der", True), ("pem", True), ("pkcs7", True), ("garbage", False), ("root", False)],
)
async def test_an_issuer_that_is_not_sent_is_fetched_as_browsers_do(
    tmp_path: Path, form: str, mended: bool
) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    held = chains.intermediate.certificate
    bodies = {
        "der": held.public_bytes(Encoding.DER),
        "pem": held.public_bytes(Encoding.PEM),
        "pkcs7": pkcs7.serialize_certificates([held], Encoding.DER),
        "garbage": b"garbage",
        "root": certify("root", None, 90).certificate.public_bytes(Encoding.DER),
    }
    async with Pages(answers(200, bodies[form])) as place:
        chains.leaf = certify(
            "leaf", chains.intermediate, 90, access=says_where(f"{place.url}/{form}")
        )
        server = chains.server(sends_intermediate=False)
        async with Pages(answers(), tls=server) as pages:
            result = await look(pages.url, ca_file=chains.ca_file)
        assert place.connections == 1
    assert (result.failure is None) == mended
    if mended:
        assert "CN=intermediate" in result.facts["certificates not sent"]
    else:
        assert ending(result) == ("tls", Cause.TLS_INVALID)


@pytest.mark.parametrize("near", [(), ("127.0.0.2",), ("127.0.0.1", "127.0.0.2")])
async def test_a_server_elsewhere_has_nothing_asked_that_is_near_this_machine(
    tmp_path: Path, near: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is 127.0.0.1, and its certificate says that the issuer is at 127.0.0.2."""
    for module in (issuers, other_ways):
        monkeypatch.setattr(module, "is_contactable", lambda text: text not in near)
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    body = chains.intermediate.certificate.public_bytes(Encoding.DER)
    async with Pages(answers(200, body), host="127.0.0.2") as place:
        chains.leaf = certify("leaf", chains.intermediate, 90, access=says_where(place.url))
        async with Pages(answers(), tls=chains.server(sends_intermediate=False)) as pages:
            result = await look(pages.url, ca_file=chains.ca_file)
    is_asked = near != ("127.0.0.2",)
    assert place.connections == is_asked
    assert (result.failure is None) == is_asked


async def test_no_port_is_asked_for_an_issuer_that_browsers_never_ask(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    access = says_where("http://127.0.0.1:6000/")
    chains.leaf = certify("leaf", chains.intermediate, 90, access=access)
    async with Pages(answers(), tls=chains.server(sends_intermediate=False)) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    assert ending(result) == ("tls", Cause.TLS_INVALID)


async def test_an_issuer_that_is_fetched_makes_no_stranger_trusted(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    other = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    chains.ca_file.write_bytes(certify("root", None, 90).pem)
    body = other.intermediate.certificate.public_bytes(Encoding.DER)
    async with Pages(answers(200, body)) as place:
        other.leaf = certify("leaf", other.intermediate, 90, access=says_where(place.url))
        async with Pages(answers(), tls=other.server(sends_intermediate=False)) as pages:
            result = await look(pages.url, ca_file=chains.ca_file)
    assert ending(result) == ("tls", Cause.TLS_INVALID)


@pytest.mark.parametrize(
    ("algorithm", "cause"),
    [
        (hashes.SHA256(), None),
        (hashes.SHA384(), None),
        (hashes.SHA512(), None),
        (hashes.SHA224(), Cause.TLS_INVALID),
    ],
)
async def test_a_signature_that_browsers_do_not_know_is_refused(
    tmp_path: Path,
    algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512,
    cause: Cause | None,
) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    chains.leaf = certify("leaf", chains.intermediate, 90, algorithm=algorithm)
    async with Pages(answers(), tls=chains.server()) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    assert (result.failure and result.failure.cause) == cause
