"""Certificates that OpenSSL accepts and browsers refuse, and the other way round."""

import ssl
from pathlib import Path

import pytest

from probe.core.causes import Cause
from tests.kinds.http.chains import Chains, certify
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
