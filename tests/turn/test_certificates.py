"""Certificates of ``turns:`` that Chromium takes and OpenSSL refuses."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from probe.core.model import Result, Status
from tests.kinds.http.chains import Chains, certify, says_where
from tests.servers.pages import Pages, answers
from tests.turn.turn_lab import ending, run, turn_lab

pytestmark = pytest.mark.usefixtures("leaks")


async def _checked(chains: Chains, folder: Path) -> Result:
    """A relay that sends its own certificate alone."""
    short = chains.server(sends_intermediate=False)
    async with turn_lab(folder, certificate=lambda _: short) as lab:
        return await run(lab.check("tls", ca_file=chains.ca_file))


async def _checked_with_issuer(folder: Path, *, leaf: float) -> Result:
    """And says where its issuer is to be had; it is valid for so many days."""
    chains = Chains(folder, root=3000, intermediate=900, leaf=90)
    issuer = chains.intermediate.certificate.public_bytes(Encoding.DER)
    async with Pages(answers(200, issuer)) as place:
        chains.leaf = certify("leaf", chains.intermediate, leaf, access=says_where(place.url))
        return await _checked(chains, folder)


async def test_an_issuer_that_a_relay_does_not_send_is_fetched(tmp_path: Path) -> None:
    result = await _checked_with_issuer(tmp_path, leaf=90)
    assert (result.status, result.failure) == (Status.OK, None)
    assert "CN=intermediate" in result.facts["certificates not sent"]


async def test_without_a_place_to_fetch_it_from_the_chain_is_short(tmp_path: Path) -> None:
    result = await _checked(Chains(tmp_path, root=3000, intermediate=900, leaf=90), tmp_path)
    assert ending(result) == ("tls", "tls_invalid")
    assert result.failure is not None
    assert "fullchain.pem" in result.failure.hint


async def test_a_fetched_issuer_does_not_hide_that_the_certificate_has_expired(
    tmp_path: Path,
) -> None:
    result = await _checked_with_issuer(tmp_path, leaf=-2)
    assert ending(result) == ("tls", "tls_invalid")
    assert result.failure is not None
    assert "expired" in result.failure.message
