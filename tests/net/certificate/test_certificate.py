"""The own reader of certificates, compared with cryptography's."""

import datetime as dt
import random
import warnings
from typing import Any

import pytest
from cryptography import x509

from probe.net.certificate.certificate import Certificate, read_certificate
from probe.stores.channel_binding import end_point
from tests.net.certificate.made import (
    HASHES,
    KEYS,
    alternative_names,
    expected,
    facts_of,
    make,
    names,
    shipped,
)

_USAGE = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
_ENCIPHERMENT = x509.KeyUsage(False, False, True, False, True, True, True, True, False)
_SAN = alternative_names("example.org", "*.example.org", addresses=("192.0.2.1", "2001:db8::1"))


@pytest.mark.parametrize("name", KEYS)
def test_each_kind_of_key_is_named(name: str) -> None:
    data = make(signer=name)
    assert facts_of(read_certificate(data)) == expected(data)


@pytest.mark.parametrize("algorithm", HASHES)
@pytest.mark.parametrize(("signer", "pss"), [("rsa", False), ("rsa", True), ("secp256r1", False)])
def test_what_the_signature_is_made_over_is_known(algorithm: Any, signer: str, pss: bool) -> None:
    data = make(signer=signer, algorithm=algorithm, pss=pss)
    assert facts_of(read_certificate(data)) == expected(data)
    assert end_point(data) == algorithm_digest(algorithm, data)


def algorithm_digest(algorithm: Any, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import Hash

    digest = Hash(algorithm())
    digest.update(data)
    return digest.finalize()


@pytest.mark.parametrize("number", range(len(list(names()))))
def test_names_are_written_as_rfc_4514_has_them(number: int) -> None:
    data = make(subject=list(names())[number])
    assert facts_of(read_certificate(data)) == expected(data)


@pytest.mark.parametrize("year", [1950, 1969, 1970, 1999, 2000, 2049, 2050, 2051, 9999], ids=str)
def test_times_are_read_in_both_forms(year: int) -> None:
    data = make(
        begins=dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
        ends=dt.datetime(year, 2, 28, 23, 59, 59, tzinfo=dt.UTC),
    )
    assert facts_of(read_certificate(data)) == expected(data)


@pytest.mark.parametrize("serial", [1, 127, 128, 255, 256, 2**159 - 1])
def test_serial_numbers_are_read(serial: int) -> None:
    assert read_certificate(make(serial=serial)).serial_number == serial


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize("usage", [_USAGE, _ENCIPHERMENT])
def test_extensions_are_read(critical: bool, usage: x509.KeyUsage) -> None:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    data = make(extensions=[(_SAN, critical), (constraints, True), (usage, not critical)])
    found = read_certificate(data)
    assert found.alternative_names is not None
    assert found.alternative_names.addresses == ("192.0.2.1", "2001:db8::1")
    assert facts_of(found) == expected(data)


def test_every_authority_of_this_machine_is_read_as_cryptography_does() -> None:
    with warnings.catch_warnings(action="ignore"):
        for data in shipped():
            assert facts_of(read_certificate(data)) == expected(data)


def _mutants(seed: int, data: bytes, count: int) -> list[bytes]:
    source, found = random.Random(seed), []
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(source.choice((1, 1, 1, 2, 5))):
            at = source.randrange(len(mutant))
            action = source.randrange(4)
            if action == 0:
                mutant[at] = source.randrange(256)
            elif action == 1:
                mutant[at] ^= 1 << source.randrange(8)
            elif action == 2:
                del mutant[at : at + source.choice((1, 2, 50))]
            else:
                mutant[at:at] = source.randbytes(source.choice((1, 2, 5)))
            if not mutant:
                break
        found.append(bytes(mutant))
    return found


def _read(data: bytes) -> Certificate | None:
    try:
        return read_certificate(data)
    except ValueError:
        return None


def _compare(data: bytes) -> bool:
    """Whether both read it; what both read is the same."""
    found = _read(data)
    try:
        with warnings.catch_warnings(action="ignore"):
            theirs = expected(data)
    except Exception:  # cryptography raises what it likes, and reads all extensions
        return False
    assert found is not None, data.hex()
    assert facts_of(found) == theirs, data.hex()
    return True


def _seeds() -> list[bytes]:
    subject = list(names())[-1]
    extensions = [(_SAN, True), (_USAGE, True)]
    return [
        make(subject=subject, extensions=extensions),
        make(signer="rsa", pss=True, extensions=extensions),
        make(signer="ed25519", subject=subject),
    ]


def test_a_damaged_certificate_is_refused_or_read_as_cryptography_reads_it() -> None:
    both = sum(_compare(each) for data in _seeds() for each in _mutants(1, data, 300))
    assert both > 100


@pytest.mark.proof
def test_many_damaged_certificates_are_refused_or_read_as_cryptography_reads_them() -> None:
    seeds = [*_seeds(), *shipped()[::20]]
    both = sum(_compare(each) for data in seeds for each in _mutants(2, data, 4000))
    assert both > 1000


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_is_cut_off_is_refused(count: int) -> None:
    data = make(extensions=[(_SAN, True)])
    assert _read(data[:count]) is None
    assert all(_read(data[:at]) is None for at in range(len(data)))
    assert _read(data + b"\0") is None
